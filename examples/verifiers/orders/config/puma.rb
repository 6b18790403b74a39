# frozen_string_literal: true

bind "tcp://#{ENV.fetch("ADDR", "127.0.0.1:5011")}"
environment ENV.fetch("RAILS_ENV", "production")
# One process: all threads share one connection to the revocation feed.
workers 0
threads 5, 5
force_shutdown_after 3
