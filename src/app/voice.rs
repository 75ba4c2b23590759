//! The voice of a server as it is configured: its engines in the order of the chain, its recordings and its words; and
//! what is asked of the configuration that only the rest of the program knows.

use std::collections::BTreeMap;
use std::sync::Arc;

use anyhow::Context;

use crate::clock::Clock;
use crate::config::engines::{EngineCommon, EngineKind};
use crate::config::{Config, ConfigError};
use crate::domain::Kinds;
use crate::outbound::SystemLookup;
use crate::outbound::service::Services;
use crate::speech::engine::Engine;
use crate::speech::engines::EngineSetupError;
use crate::speech::engines::aliyun::Aliyun;
use crate::speech::engines::azure::Azure;
use crate::speech::engines::command::Command;
use crate::speech::engines::espeak::EspeakVoice;
use crate::speech::engines::http::Http;
use crate::speech::engines::openai::Openai;
use crate::speech::engines::recorded::Recorded;
use crate::speech::engines::tencent::Tencent;
use crate::speech::engines::volcengine::Volcengine;
use crate::speech::lexicon::{Lexicon, LexiconEntry};
use crate::speech::{Lang, NamedEngine};
