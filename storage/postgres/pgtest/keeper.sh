# Keeps a PostgreSQL server for a test process, as its parent and as its user. It is told what
# to do by lines on standard input, and answers each by one; what it prints but "ok" is an
# error. When standard input ends, the test process is gone, however that came: the server is
# killed then, and its folder removed.
folder=$1
shift # the command of the server
pid=

# family prints the server and the processes that it has started, which are in sessions of
# their own. The fourth field of a process's stat is its parent.
family() {
	echo "$pid"
	for stat in /proc/[0-9]*/stat; do
		{ read -r child _ _ parent _ <"$stat"; } 2>/dev/null || continue
		[ "$parent" != "$pid" ] || echo "$child"
	done
}

# halted waits until processes do nothing any more: a signal takes its time.
halted() {
	for process; do
		while { read -r _ _ state _ <"/proc/$process/stat"; } 2>/dev/null; do
			case $state in T | Z | X) break ;; esac
			sleep 0.01
		done
	done
}

# send sends a signal to all of them. The server is stopped first, so that it starts no more.
send() {
	[ -n "$pid" ] || return 0
	kill -s STOP "$pid" 2>/dev/null
	halted "$pid"
	all=$(family)
	kill -s "$1" $all 2>/dev/null
	[ "$1" != STOP ] || halted $all
}

ended() {
	[ -n "$pid" ] || return 0
	{ read -r _ _ state _ <"/proc/$pid/stat"; } 2>/dev/null || return 0
	[ "$state" = Z ]
}

bury() {
	[ -z "$pid" ] || wait "$pid" 2>/dev/null
	pid=
}

while read -r word; do
	answer=ok
	case $word in
	start) "$@" </dev/null >>"$folder/log" 2>&1 & pid=$! ;;
	ended) ended || answer=running ;;
	pause) send STOP ;;
	resume) send CONT ;;
	kill) send KILL; bury ;;
	stop) # a fast shutdown
		send CONT
		[ -z "$pid" ] || kill -s INT "$pid"
		bury
		;;
	*) answer="what is $word" ;;
	esac
	echo "$answer"
done
send KILL
bury
rm -rf "$folder"
