#!/bin/bash
# timeout: 5400
# long: 5400
#
# The protocol models of doc/models: what is right holds (in as many states as
# time and memory allow), and every wrong variant fails.
set -u
cd "${top_srcdir:-$(dirname "$0")/../..}" || exit 1
command -v spin >/dev/null || { echo "skipped: spin is missing"; exit 77; }
command -v "${CC:-gcc}" >/dev/null || { echo "skipped: no compiler"; exit 77; }
export SECONDS_MAX=${SECONDS_MAX:-60} MEMORY_MB=${MEMORY_MB:-1024}
bad=0

# right MODEL [VARIANT...]: no error in any state that was reached
right() {
	doc/models/run.sh "$@"
	case $? in
	0 | 3) ;;
	*)
		echo "$*: should hold"
		bad=1
		;;
	esac
}

# wrong MODEL VARIANT...: a failure is found
wrong() {
	doc/models/run.sh "$@"
	if [[ $? != 1 ]]; then
		echo "$*: should fail"
		bad=1
	fi
}

right m1_wake -DFR=1
right m1_wake -DFR=1 -DKP
right m1_wake -DONE -DKR
wrong m1_wake -DONE -DKR -DSKIPSUM
wrong m1_wake -DFR=1 -DDIRTYFIRST
wrong m1_wake -DFR=1 -DEARLYWAKE
wrong m1_wake -DFR=1 -DKP -DONLYEFD
wrong m1_wake -DFR=1 -DKP -DEXCH -DNOEFD
wrong m1_wake -DFR=1 -DJOINWRONG
wrong m1_wake -DFR=1 -DLATECLEAR
wrong m1_wake -DFR=1 -DNORECHECK
wrong m1_wake -DFR=1 -DKP -DEFDORDER

right m2_retire
right m2_retire -DTWO
wrong m2_retire -DSNAPFIRST
wrong m2_retire -DTAILFIRST
wrong m2_retire -DNOI3
wrong m2_retire -DLATEREPAIR

right m3_end
right m3_end -DKILL0
right m3_end -DKILL1
right m3_end -DGHOST -DKILL0
wrong m3_end -DNOWAITEND
wrong m3_end -DGRACEFIRST -DCLRIN
wrong m3_end -DNOGRACE -DCLRIN
wrong m3_end -DRECHECKFIRST
wrong m3_end -DLATEREPAIR -DKILL0
wrong m3_end -DSTALEMSG -DKILL0
wrong m3_end -DGHOST -DWIPE -DKILL0
wrong m3_end -DNORESET
wrong m3_end -DSLEEPY

right m4_names
right m4_names -DTWOKILLS
wrong m4_names -DNOLATE
wrong m4_names -DNOFLUSH
wrong m4_names -DNOPENDCLR
wrong m4_names -DNODEATHGRANT -DNOTIMEOUT
wrong m4_names -DLOSEOK
wrong m4_names -DBYGEN

right m5_seats -DN=1
right m5_seats
wrong m5_seats -DNORESCAN
wrong m5_seats -DGIVENFIRST
wrong m5_seats -DNOCOUNT -DN=1
wrong m5_seats -DCOUNTER
wrong m5_seats -DNOSWEEP

right m6_pulls -DPLAYERS=1 -DGROW=0
right m6_pulls -DTWOKILLS
right m6_pulls -DHERE -DPLAYERS=1 -DGROW=0
DEPTH=90 wrong m6_pulls -DHERE -DNOKILL -DNOAGAIN -DPLAYERS=1 -DGROW=0
wrong m6_pulls -DNOANSWER
wrong m6_pulls -DNODROP -DPLAYERS=1
wrong m6_pulls -DNOMOVE -DPLAYERS=1 -DGROW=0
wrong m6_pulls -DNOFLUSH -DPLAYERS=1 -DGROW=0
wrong m6_pulls -DONLYCOLD
wrong m6_pulls -DNOLATE -DPLAYERS=1 -DGROW=0
wrong m6_pulls -DNOWAIT
exit "$bad"
