//! Places in the three ways that maps of China count: WGS-84 (GPS), GCJ-02 (Amap, Tencent) and BD-09 (Baidu).
//! The same numbers are 100 to 700 metres apart in them; outside of China GCJ-02 is WGS-84.

use std::f64::consts::PI;
use std::str::FromStr;

/// A place: degrees north and east.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Place {
    /// Degrees north, -90 to 90.
    pub lat: f64,
    /// Degrees east, -180 to 180.
    pub lng: f64,
}

/// How a place is counted.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Coordinates {
    /// What Chinese maps and platforms use, and what events carry.
    #[default]
    Gcj02,
    /// Baidu's.
    Bd09,
    /// Satellites' and the rest of the world's.
    Wgs84,
}

/// A word that names no coordinates.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("coordinates are gcj02, bd09 or wgs84")]
pub struct UnknownCoordinates;

/// The ellipsoid that GCJ-02 is bent on: Krasovsky 1940, its longer half in metres.
const AXIS_M: f64 = 6_378_245.0;
/// And the square of its eccentricity.
const ECCENTRICITY_2: f64 = 0.006_693_421_622_965_943;
/// Baidu's second bend: its frequency.
const BAIDU: f64 = PI * 3000.0 / 180.0;
/// Steps until a bend is undone to the micrometre; each makes the error some hundred times smaller.
const UNBEND_STEPS: usize = 10;

impl FromStr for Coordinates {
    type Err = UnknownCoordinates;

    fn from_str(word: &str) -> Result<Self, UnknownCoordinates> {
        match word.to_ascii_lowercase().replace(['-', '_'], "").as_str() {
            "gcj02" | "gcj" | "amap" | "tencent" => Ok(Self::Gcj02),
            "bd09" | "bd09ll" | "baidu" => Ok(Self::Bd09),
            "wgs84" | "gps" => Ok(Self::Wgs84),
            _ => Err(UnknownCoordinates),
        }
    }
}

impl Coordinates {
    /// The word used in profiles and events.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Gcj02 => "gcj02",
            Self::Bd09 => "bd09",
            Self::Wgs84 => "wgs84",
        }
    }
}

impl Place {
    /// A place that exists; `None` out of range, or where senders mean "unknown" and write 0, 0.
    #[must_use]
    pub fn new(lat: f64, lng: f64) -> Option<Self> {
        let exists = (-90.0..=90.0).contains(&lat) && (-180.0..=180.0).contains(&lng);
        let unknown = lat.abs() < 1e-9 && lng.abs() < 1e-9;
        (exists && !unknown).then_some(Self { lat, lng })
    }

    /// The same place, counted otherwise; to about a centimetre.
    #[must_use]
    pub fn converted(self, from: Coordinates, to: Coordinates) -> Self {
        if from == to {
            return self;
        }
        let gcj02 = match from {
            Coordinates::Gcj02 => self,
            Coordinates::Bd09 => self.unbent(Self::to_baidu),
            Coordinates::Wgs84 => self.bent(),
        };
        match to {
            Coordinates::Gcj02 => gcj02,
            Coordinates::Bd09 => gcj02.to_baidu(),
            Coordinates::Wgs84 => gcj02.unbent(Self::bent),
        }
    }

    /// WGS-84 to GCJ-02. The bend is public since 2010; the country is the usual rectangle around it.
    fn bent(self) -> Self {
        if !(72.004..=137.8347).contains(&self.lng) || !(0.8293..=55.8271).contains(&self.lat) {
            return self;
        }
        let (x, y) = (self.lng - 105.0, self.lat - 35.0);
        let root = x.abs().sqrt();
        let ripple = (20.0 * (6.0 * x * PI).sin() + 20.0 * (2.0 * x * PI).sin()) * 2.0 / 3.0;
        let waves = |at: f64, [first, second, third]: [f64; 3], [long, longer]: [f64; 2]| {
            let short = 20.0 * (at * PI).sin() + 40.0 * (at / 3.0 * PI).sin();
            (short + first * (at / long * PI).sin() + second * (at / longer * PI).sin() + third) * 2.0 / 3.0
        };
        let north = -100.0
            + 2.0 * x
            + 3.0 * y
            + 0.2 * y * y
            + 0.1 * x * y
            + 0.2 * root
            + ripple
            + waves(y, [160.0, 320.0, 0.0], [12.0, 30.0]);
        let east = 300.0
            + x
            + 2.0 * y
            + 0.1 * x * x
            + 0.1 * x * y
            + 0.1 * root
            + ripple
            + waves(x, [150.0, 300.0, 0.0], [12.0, 30.0]);
        let angle = self.lat / 180.0 * PI;
        let bulge = 1.0 - ECCENTRICITY_2 * angle.sin() * angle.sin();
        let meridian = AXIS_M * (1.0 - ECCENTRICITY_2) / (bulge * bulge.sqrt()) * PI / 180.0;
        let parallel = AXIS_M / bulge.sqrt() * angle.cos() * PI / 180.0;
        Self { lat: self.lat + north / meridian, lng: self.lng + east / parallel }
    }

    /// GCJ-02 to BD-09.
    fn to_baidu(self) -> Self {
        let far = self.lng.hypot(self.lat) + 0.000_02 * (self.lat * BAIDU).sin();
        let angle = self.lat.atan2(self.lng) + 0.000_003 * (self.lng * BAIDU).cos();
        Self { lat: far * angle.sin() + 0.006, lng: far * angle.cos() + 0.0065 }
    }

    /// The place that this bend brings here, found by going against what it moves.
    fn unbent(self, bend: impl Fn(Self) -> Self) -> Self {
        let mut place = self;
        for _ in 0..UNBEND_STEPS {
            let there = bend(place);
            place = Self { lat: place.lat + self.lat - there.lat, lng: place.lng + self.lng - there.lng };
        }
        place
    }
}

#[cfg(test)]
mod tests {
    use super::{Coordinates, Place};
    use Coordinates::{Bd09, Gcj02, Wgs84};
    use proptest::prelude::*;

    /// How far two places are apart, in metres; good enough for neighbours.
    fn apart_m(a: Place, b: Place) -> f64 {
        let north = (a.lat - b.lat) * 111_320.0;
        let east = (a.lng - b.lng) * 111_320.0 * a.lat.to_radians().cos();
        north.hypot(east)
    }

    fn place(lat: f64, lng: f64) -> Place {
        Place::new(lat, lng).unwrap()
    }

    #[test]
    fn published_points_are_met() {
        // The points that the converters of many languages are tested with.
        for (from, given, to, expected) in [
            (Wgs84, (31.177_427_6, 121.527_210_6), Gcj02, (31.175_303_983_6, 121.531_541_859_2)),
            (Wgs84, (22.543_847, 113.912_316), Gcj02, (22.540_796_131_7, 113.917_176_480_8)),
            (Wgs84, (39.911_954, 116.377_817), Gcj02, (39.913_345_455_4, 116.384_047_224_6)),
            (Wgs84, (39.915, 116.404), Gcj02, (39.916_404_3, 116.410_244_5)),
            (Gcj02, (39.915, 116.404), Bd09, (39.921_336_993, 116.410_369_499)),
            (Bd09, (39.915, 116.404), Gcj02, (39.908_656_74, 116.397_627_24)),
        ] {
            let found = place(given.0, given.1).converted(from, to);
            let off_m = apart_m(found, place(expected.0, expected.1));
            assert!(off_m < 0.5, "{from:?} to {to:?}: {found:?}, {off_m} m off");
        }
    }

    #[test]
    fn outside_of_china_nothing_is_bent() {
        let berlin = place(52.5, 13.4);
        assert_eq!(berlin.converted(Wgs84, Gcj02), berlin);
    }

    #[test]
    fn places_exist_or_not() {
        for (lat, lng) in [(0.0, 0.0), (91.0, 0.0), (0.0, -180.5), (f64::NAN, 1.0), (1.0, f64::INFINITY)] {
            assert_eq!(Place::new(lat, lng), None, "{lat} {lng}");
        }
        assert!(Place::new(0.0, 9.5).is_some());
        assert_eq!("BD-09".parse(), Ok(Bd09));
        assert!("mars".parse::<Coordinates>().is_err());
        assert!([Gcj02, Bd09, Wgs84].into_iter().all(|one| one.as_str().parse() == Ok(one)));
    }

    proptest! {
        #[test]
        fn there_and_back_is_here(lat in 18.0..53.0, lng in 74.0..135.0) {
            let here = place(lat, lng);
            for (from, to) in [(Wgs84, Gcj02), (Gcj02, Bd09), (Wgs84, Bd09), (Bd09, Wgs84)] {
                let there = here.converted(from, to);
                let moved_m = apart_m(here, there);
                prop_assert!((20.0..3000.0).contains(&moved_m), "{:?} to {:?}: {} m", from, to, moved_m);
                let back_m = apart_m(here, there.converted(to, from));
                prop_assert!(back_m < 0.01, "{:?} to {:?} and back: {} m", from, to, back_m);
            }
        }
    }
}
