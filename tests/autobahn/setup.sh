#!/bin/bash
# Autobahn|Testsuite 25.10.1 for WebSockets, which needs CPython 2.7: Debian 11's, unpacked beside the system.
# Usage: setup.sh DIR; then DIR/wstest -m fuzzingclient -s spec.json
set -euo pipefail
dir=$(realpath -m "$1")
rm -rf "$dir"
mkdir -p "$dir"/{apt/lists/partial,apt/cache/archives/partial,debs,root,site}
cd "$dir"

# The package mirror this system already uses; Debian 12 ships the key that signs Debian 11.
mirror=$(apt-get indextargets --format '$(SITE)' 'Created-By: Packages' 2> /dev/null | grep -m1 'debian$')
echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror bullseye main" > apt/s.list
apt() {
    apt-get -q -o Dir::Etc::sourcelist="$dir/apt/s.list" -o Dir::Etc::sourceparts=/dev/null \
        -o Dir::State::lists="$dir/apt/lists" -o Dir::Cache="$dir/apt/cache" -o APT::Sandbox::User="$(id -un)" "$@"
}
apt update > /dev/null
(cd debs && apt download python2.7 python2.7-minimal libpython2.7-stdlib libpython2.7-minimal libssl1.1 libffi7 > /dev/null)
for package in debs/*.deb; do dpkg -x "$package" root; done

libraries=$(dirname "$(find "$dir/root/usr/lib" -name 'libssl.so.1.1' | head -1)")
cat > py2 << END
#!/bin/sh
export LD_LIBRARY_PATH=$libraries PYTHONHOME=$dir/root/usr PYTHONPATH=$dir/site
exec $dir/root/usr/bin/python2.7 "\$@"
END
chmod +x py2

python3 -m pip download -q --no-deps --only-binary=:all: -d . pip==20.3.4
pip2() {
    ./py2 pip-20.3.4-py2.py3-none-any.whl/pip install -q --disable-pip-version-check --no-cache-dir --no-deps \
        --target site "$@" 2>&1 | grep -vE 'DEPRECATION|Target directory' || true
}
pip2 --only-binary=:all: setuptools==44.0.0
pip2 --no-use-pep517 autobahntestsuite==25.10.1 pyOpenSSL==19.1.0 cryptography==3.3.2 Twisted==19.10.0 \
    incremental==16.10.1 zope.interface==4.6.0 jinja2==2.11.3 markupsafe==1.1.1 Werkzeug==1.0.1 klein==17.10.0 \
    service_identity==18.1.0 six==1.16.0 enum34==1.1.10 ipaddress==1.0.23 cffi==1.15.1 pycparser==2.21 attrs==21.4.0 \
    pyasn1==0.5.1 pyasn1-modules==0.3.0 constantly==15.1.0 Automat==20.2.0 hyperlink==21.0.0 idna==2.10 \
    typing==3.10.0.0 PyHamcrest==1.10.1 unittest2==1.1.0 traceback2==1.4.0 linecache2==1.0.0 argparse==1.4.0
pip2 --no-use-pep517 autobahn==0.10.9 txaio==2.1.0
touch site/zope/__init__.py

# Made last: who finds it finds the whole.
printf '#!/bin/sh\nexec %s/py2 -m autobahntestsuite.wstest "$@"\n' "$dir" > wstest.new
chmod +x wstest.new
./wstest.new -a
mv wstest.new wstest
