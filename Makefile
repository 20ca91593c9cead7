# SPDX-License-Identifier: MIT OR Apache-2.0
# Five words for people; meson and ninja do the work. Each installs what it needs first (Debian 12, 13).

BUILD ?= build
export PF_LOGS ?= $(BUILD)/logs

.PHONY: help deps build demo test install bench soak desktops desktops-kwin fuzz clean

help:
	@echo "make deps    install what the rest needs (with sudo when you are not root)"
	@echo "make build   build host, client and library into $(BUILD)/"
	@echo "make demo    stream a desktop of its own over loopback; leaves demo/stream.mp4 and demo/frame.png"
	@echo "make test    build and run every test; ends with 'N passed, N failed'"
	@echo "make install put both programs and the library below /usr/local (with sudo, after make build)"
	@echo
	@echo "make bench   run the benchmarks, built for speed, in $(BUILD)-bench/"
	@echo "make soak    1,000 clients of one host, then 400 visits of a Moonlight device: nothing of it may grow"
	@echo "make desktops  whole sessions on each compositor that is installed, measured; DESKTOPS='sway mutter',"
	@echo "             ROOT=DIR for those of another Debian (scripts/desktops)"
	@echo "make desktops-kwin ROOT=DIR LINUX=KERNEL  the same on KWin, in an emulated machine: see scripts/headless/kwin"
	@echo "make fuzz    run each fuzz target for SECONDS=20, in $(BUILD)-fuzz/"
	@echo "make clean   remove $(BUILD)/, $(BUILD)-*/ and demo/"

deps:
	@scripts/deps

build: deps
	@[ -f $(BUILD)/build.ninja ] || scripts/step "Configuring" meson setup $(BUILD)
	@scripts/step "Building" ninja -C $(BUILD)

demo: build
	@BUILD=$(BUILD) scripts/demo

test: build
	@scripts/run-tests $(BUILD)

# Builds nothing, for as root it would leave root's files in the tree. ldconfig: /usr/local/lib is new to the loader.
install:
	@[ -x $(BUILD)/host/punktfunk-host ] || { echo "install: nothing is built yet; run 'make build' first" >&2; exit 1; }
	@meson install -C $(BUILD) --no-rebuild --quiet
	@[ -n "$(DESTDIR)" ] || ldconfig

bench: deps
	@[ -f $(BUILD)-bench/build.ninja ] || \
		scripts/step "Configuring the benchmarks" meson setup $(BUILD)-bench -Dbuildtype=release -Dbench=enabled
	@scripts/step "Building the benchmarks" ninja -C $(BUILD)-bench
	@meson test -C $(BUILD)-bench --no-rebuild --benchmark --verbose

soak: build
	@PUNKTFUNK_CYCLES=$(or $(CYCLES),1000) PUNKTFUNK_HOST=$(BUILD)/host/punktfunk-host \
		$(BUILD)/tests/integration/crowd_test
	@PUNKTFUNK_CYCLES=$(or $(CYCLES),200) PUNKTFUNK_HOST=$(BUILD)/host/punktfunk-host \
		$(BUILD)/tests/integration/gamestream_life_test

# In turns, and by themselves: they measure.
# ROOT=DIR: on those of another Debian, see scripts/desktops.
desktops: $(if $(ROOT),,build)
	@DESKTOPS='$(DESKTOPS)' CYCLES='$(CYCLES)' TESTS='$(TESTS)' scripts/desktops $(BUILD) $(ROOT)

desktops-kwin:
	@PUNKTFUNK_LONG=1 PUNKTFUNK_CYCLES=$(or $(CYCLES),10) scripts/headless/kwin "$(ROOT)" "$(LINUX)" $(TESTS)

fuzz:
	@scripts/deps --ci
	@scripts/fuzz $(BUILD)-fuzz $(or $(SECONDS),20)

clean:
	@rm -rf $(BUILD) $(BUILD)-bench $(BUILD)-fuzz build-ci demo
