# Stands between a test and its Postgres. It holds the reading end of a pipe whose other end the owner alone has,
# so the end of the file means that the owner is gone, for whatever reason: then the server is stopped and
# everything removed. Until then a line on the pipe is an order, answered by a line.
#
#   $1 folder of the server programs   $2 this server's own folder   $3 options for initdb
#   $4 folder of the server whose standby this is, or nothing          then: options for postgres
trap '' INT TERM HUP PIPE
programs=$1 home=$2 initdb_options=$3 primary=$4
shift 4

takes_connections() {
    case $(sed -n '1p;8p' "$home/data/postmaster.pid" 2>/dev/null | tr -d ' \n') in
    "${postgres}ready" | "${postgres}standby") ;;
    *) return 1 ;;
    esac
}

start() {
    "$programs/postgres" -D "$home/data" -k "$home" "$@" </dev/null >>"$home/log" 2>&1 &
    postgres=$!
    tries=6000
    until takes_connections; do
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

# QUIT is Postgres's immediate shutdown: no checkpoint, so the next start recovers from the log as after a crash.
# CONT is for a server that a test has frozen.
stop() {
    if [ -n "$postgres" ]; then
        kill -QUIT "$postgres" 2>/dev/null
        kill -CONT "$postgres" 2>/dev/null
        wait "$postgres"
        postgres=
    fi
}

# A standby has what its primary had, and then receives nothing more.
make() {
    if [ -n "$primary" ]; then
        "$programs/pg_basebackup" -D "$home/data" -h "$primary" -U postgres -X fetch -c fast &&
            : >"$home/data/standby.signal"
        return
    fi
    "$programs/initdb" -D "$home/data" -U postgres -A trust -E UTF8 --no-locale --no-instructions ${initdb_options:+"$initdb_options"}
}

postgres=
if make </dev/null >"$home/log" 2>&1; then
    echo ready
else
    echo failed
fi
while read -r order; do
    case $order in
    start) start "$@" ;;
    stop) stop && echo stopped ;;
    esac
done
stop
rm -rf "$home"
