#!/bin/sh
# A little Slurm cluster on this machine: one controller, one node, one partition, for trying `sweep --engine slurm` and for
# the tests (`deno task test:slurm`). No service of the system is touched, and everything is written below one folder.
#
#   sh examples/slurm/little-cluster.sh start DIR      starts it, if it does not run, and waits until its node is idle
#   sh examples/slurm/little-cluster.sh stop DIR       stops it, and does nothing where it does not run
#
# It needs Slurm and MUNGE: `apt-get install slurm-wlm munge` on Debian and Ubuntu. Those packages also start services of
# their own where the system has systemd; this cluster has nothing to do with them. It works as root and as an ordinary user,
# who can submit jobs as himself alone.
#
# `start` prints the line that leads Slurm's programs to this cluster: export SLURM_CONF='DIR/slurm.conf'. The daemons listen
# on 127.0.0.1 alone, on ports that are free. The node has as many processors as this machine (`nproc`). Nothing else differs
# from a large cluster but this: a job that is queued again starts after 6 seconds instead of 121 (cred_expire), the
# scheduler looks every second, memory is not accounted for, and there is no accounting (sacct).
#
# DIR must be on a disk of this machine, and short, because MUNGE's socket lies in it: at most 80 characters, of letters,
# digits and / . _ -. In it:
#
#   slurm.conf    the configuration                 log/    what the daemons say
#   *.pid         the daemons' processes            munge/  the key and the socket
#   state/        the controller's state            spool/  the node's
set -u
umask 022

fail() {
  printf 'little-cluster: %s\n' "$*" >&2
  exit 1
}

usage() {
  echo "Usage: sh little-cluster.sh start DIR | stop DIR" >&2
  exit 2
}

[ $# -eq 2 ] || usage
case $1 in start | stop) action=$1 ;; *) usage ;; esac
dir=$2
case $dir in /*) ;; *) dir=$PWD/$dir ;; esac
user=$(id -un)

# The daemons stand where the ordinary user's PATH does not lead.
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin
export PATH

# within SECONDS COMMAND...: waits until the command succeeds; false when it has not by then.
within() {
  deadline=$(($(date +%s) + $1))
  shift
  until "$@"; do
    [ "$(date +%s)" -lt "$deadline" ] || return 1
    sleep 0.1
  done
}

# wait_for WHAT COMMAND...: ends it all, with what the daemons said, when the command does not come to succeed.
wait_for() {
  what=$1
  shift
  within 20 "$@" && return
  for log in "$dir"/log/*.log; do tail -n 20 "$log" >&2; done
  stop
  fail "there is not $what after 20 seconds; the daemons' last words stand above."
}

# is_alive PID: does this process live, and is it a daemon of this cluster? A number may have gone to another process.
is_alive() { tr '\0' ' ' <"/proc/$1/cmdline" 2>/dev/null | grep -qF -- "$dir/"; }
is_gone() { ! is_alive "$1"; }
is_running() { [ -r "$dir/$1.pid" ] && read -r pid <"$dir/$1.pid" && is_alive "$pid"; }
is_empty() { [ -z "$(SLURM_CONF=$dir/slurm.conf squeue --noheader 2>/dev/null)" ]; }
is_idle() { [ "$(SLURM_CONF=$dir/slurm.conf sinfo --noheader --format=%T 2>/dev/null)" = idle ]; }

# stop: jobs first, which may write their checkpoints; after 30 seconds (KillWait) the node kills them.
stop() {
  if is_running slurmctld && is_running slurmd && ! is_empty; then
    SLURM_CONF=$dir/slurm.conf scancel --quiet --user="$user"
    within 40 is_empty || echo "little-cluster: jobs are left that do not end." >&2
  fi
  for daemon in slurmd slurmctld munged; do
    is_running "$daemon" || continue
    ending=$pid # of which the daemon removes the file before it has ended
    kill "$ending"
    within 10 is_gone "$ending" || { kill -9 "$ending" && within 2 is_gone "$ending"; }
    rm -f "$dir/$daemon.pid"
  done
}

if [ "$action" = stop ]; then
  stop
  exit 0
fi

# --- start --------------------------------------------------------------------------------------------------------------

for program in munged slurmctld slurmd sinfo; do
  command -v "$program" >/dev/null ||
    fail "$program is not installed. On Debian and Ubuntu: sudo apt-get install slurm-wlm munge"
done
case $dir in *[!A-Za-z0-9/._-]*) fail "cannot use the folder $dir: only letters, digits and / . _ - may be in its name." ;; esac
[ "${#dir}" -le 80 ] || fail "cannot use the folder $dir: its name has more than 80 characters. Choose a shorter one."
if is_running munged && is_running slurmctld && is_running slurmd; then
  echo "little-cluster: it runs already." >&2
  echo "export SLURM_CONF='$dir/slurm.conf'"
  exit 0
fi
stop # what is left of one of which a daemon has died

mkdir -p "$dir/log" "$dir/munge" "$dir/state" "$dir/spool" || fail "cannot write in $dir. Choose another folder."
chmod 755 "$dir/munge" "$dir/log"
host=$(hostname)
host=${host%%.*}
cpus=$(nproc)
# All but what the system needs; Slurm turns away a node that has less than it says.
memory=$(awk '/^MemTotal:/ { print int($2 / 1024 * 0.9) }' /proc/meminfo)

# free_port FROM: the first port from there on that nothing listens on.
free_port() {
  port=$1
  while grep -qi ": [0-9A-F]*:$(printf '%04X' "$port") [0-9A-F:]* 0A " /proc/net/tcp /proc/net/tcp6 2>/dev/null; do
    port=$((port + 1))
  done
  echo "$port"
}
controller_port=$(free_port $((20000 + $$ % 10000)))
node_port=$(free_port $((controller_port + 1)))

if [ ! -f "$dir/munge/key" ]; then
  (umask 077 && dd if=/dev/urandom of="$dir/munge/key" bs=1024 count=1 2>/dev/null) || fail "cannot write $dir/munge/key."
fi

cat >"$dir/slurm.conf" <<END
ClusterName=little
SlurmctldHost=$host(127.0.0.1)
SlurmctldPort=$controller_port
SlurmdPort=$node_port
CommunicationParameters=NoInAddrAny,NoCtldInAddrAny
SlurmUser=$user
SlurmdUser=$user
AuthType=auth/munge
AuthInfo=socket=$dir/munge/socket,cred_expire=5
StateSaveLocation=$dir/state
SlurmdSpoolDir=$dir/spool
SlurmctldPidFile=$dir/slurmctld.pid
SlurmdPidFile=$dir/slurmd.pid
SlurmctldLogFile=$dir/log/slurmctld.log
SlurmdLogFile=$dir/log/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
MpiDefault=none
ReturnToService=2
SchedulerParameters=sched_interval=1,bf_interval=2,batch_sched_delay=1
NodeName=$host NodeAddr=127.0.0.1 CPUs=$cpus RealMemory=$memory State=UNKNOWN
PartitionName=main Nodes=ALL Default=YES MaxTime=INFINITE State=UP
END

# Where cgroups cannot be set up, as in many containers, newer versions do not start without being told to do without.
version=$(slurmd -V 2>/dev/null) # `slurm 22.05.8`, `slurm-wlm 24.11.5`
version=${version##* }
case ${version%%.*} in 2[4-9] | [3-9][0-9]) echo 'CgroupPlugin=disabled' >"$dir/cgroup.conf" ;; esac

# Nobody else has to come to MUNGE's socket (--force): the folder may be one that only its owner may enter.
munged --force --socket="$dir/munge/socket" --key-file="$dir/munge/key" --seed-file="$dir/munge/seed" \
  --pid-file="$dir/munged.pid" --log-file="$dir/log/munged.log" </dev/null >/dev/null 2>"$dir/log/munged-start.log" ||
  fail "munged does not start: $(cat "$dir/log/munged-start.log")"
wait_for "MUNGE's socket" test -S "$dir/munge/socket"
# A clean start (-c): what an earlier cluster in this folder had queued is not run again by surprise.
slurmctld -c -f "$dir/slurm.conf" </dev/null >/dev/null 2>"$dir/log/slurmctld-start.log" ||
  { stop; fail "slurmctld does not start: $(cat "$dir/log/slurmctld-start.log")"; }
slurmd -c -f "$dir/slurm.conf" </dev/null >/dev/null 2>"$dir/log/slurmd-start.log" ||
  { stop; fail "slurmd does not start: $(cat "$dir/log/slurmd-start.log")"; }

wait_for "an idle node" is_idle
echo "export SLURM_CONF='$dir/slurm.conf'"
