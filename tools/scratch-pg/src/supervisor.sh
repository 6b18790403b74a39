# Starts and stops the Postgres of a test. Standard input is a pipe whose other end only the owner holds: each line is a
# command, answered by a line; end of file means that the owner has ended, and then the server is stopped and its folder
# removed.
#
#   $1 folder of the server programs   $2 folder of this server   $3 options for initdb
#   $4 folder of the primary if this is a standby, else empty     $5 streaming, if the standby receives more
#   then: options for postgres
trap '' INT TERM HUP PIPE
programs=$1 home=$2 initdb_options=$3 primary=$4 streaming=$5
shift 5

accepts_connections() {
    case $(sed -n '1p;8p' "$home/data/postmaster.pid" 2>/dev/null | tr -d ' \n') in
    "${postgres}ready" | "${postgres}standby") ;;
    *) return 1 ;;
    esac
}

start() {
    "$programs/postgres" -D "$home/data" -k "$home" "$@" </dev/null >>"$home/log" 2>&1 &
    postgres=$!
    tries=6000
    until accepts_connections; do
        tries=$((tries - 1))
        if [ $tries = 0 ] || ! kill -0 "$postgres" 2>/dev/null; then
            stop
            echo failed
            return
        fi
        sleep 0.01
    done
    echo ready
}

# Sends a signal to the server and all of its processes. No process begins meanwhile, because the first one is stopped.
signal_all() {
    kill -STOP "$postgres"
    kill "-$1" $(ps -A -o pid= -o ppid= | awk -v parent="$postgres" '$2 == parent { print $1 }') "$postgres"
}

# SIGQUIT is the immediate shutdown: no checkpoint, so the next start recovers as after a crash. SIGCONT is for a server
# that a test has stopped.
stop() {
    if [ -n "$postgres" ]; then
        kill -QUIT "$postgres" 2>/dev/null
        signal_all CONT 2>/dev/null
        wait "$postgres"
        postgres=
    fi
}

# SIGKILL for all processes, as when the machine loses power. The server cannot remove its shared memory, whose number is
# the second one of the seventh line.
kill_all() {
    if [ -n "$postgres" ]; then
        memory=$(sed -n '7s/^ *[0-9]* *//p' "$home/data/postmaster.pid")
        signal_all KILL
        wait "$postgres"
        ipcrm -m "$memory" 2>/dev/null
        postgres=
    fi
}

# SIGINT is the fast shutdown.
shut_down() {
    if [ -n "$postgres" ]; then
        kill -INT "$postgres" 2>/dev/null
        wait "$postgres"
        postgres=
    fi
}

# A standby is a copy of its primary. With streaming, pg_basebackup writes where it receives more from.
create() {
    if [ -n "$primary" ]; then
        "$programs/pg_basebackup" -D "$home/data" -h "$primary" -U postgres -X fetch -c fast ${streaming:+-R} &&
            : >"$home/data/standby.signal"
        return
    fi
    "$programs/initdb" -D "$home/data" -U postgres -A trust -E UTF8 --no-locale --no-instructions ${initdb_options:+"$initdb_options"}
}

postgres=
if create </dev/null >"$home/log" 2>&1; then
    echo ready
else
    echo failed
fi
while read -r command; do
    case $command in
    start) start "$@" ;;
    stop) stop && echo stopped ;;
    shutdown) shut_down && echo stopped ;;
    kill)
        kill_all
        echo stopped
        ;;
    pause)
        signal_all STOP
        echo paused
        ;;
    resume)
        signal_all CONT
        echo ready
        ;;
    esac
done
stop
rm -rf "$home"
