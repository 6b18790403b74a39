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

# SIGQUIT is the immediate shutdown: no checkpoint, so the next start recovers as after a crash. SIGCONT is for a server
# that a test has stopped.
stop() {
    if [ -n "$postgres" ]; then
        kill -QUIT "$postgres" 2>/dev/null
        kill -CONT "$postgres" 2>/dev/null
        wait "$postgres"
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
    esac
done
stop
rm -rf "$home"
