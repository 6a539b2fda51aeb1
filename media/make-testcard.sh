#!/bin/bash
#
# make-testcard.sh - make media/testcard.flv, the loop that `./bootstrap run`
# publishes: colour bars, a moving picture with a clock, a tone.  The file is
# in the repository, so this runs only to change it.  Needs ffmpeg with libx264.
#
# The loop is 10 s long and closes on itself: 250 pictures at 25 fps, keyframe
# every 2 s; the clock (testsrc2's own) counts its ten seconds; a 440 Hz tone
# beeps once a second.
set -eu
cd "$(dirname "$0")"
# 10 s of AAC are 430.66 frames: the last one is cut, ffmpeg's loop keeps time.
ffmpeg -nostdin -v warning -y \
    -f lavfi -i "testsrc2=size=640x360:rate=25" \
    -f lavfi -i "sine=frequency=440:beep_factor=2:sample_rate=44100" \
    -t 10 -map 0:v -map 1:a \
    -c:v libx264 -preset veryslow -profile:v high -pix_fmt yuv420p \
    -b:v 350k -maxrate 420k -bufsize 700k -bf 2 -g 50 -keyint_min 50 \
    -sc_threshold 0 \
    -c:a aac -b:a 64k -ac 1 -af volume=-12dB \
    -map_metadata -1 -fflags +bitexact -flags:v +bitexact -flags:a +bitexact \
    -metadata title="Sluice test card" \
    -f flv testcard.flv
ls -l testcard.flv
