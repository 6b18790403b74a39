# frozen_string_literal: true

require "json"
require "jwt"
require "logger"
require "net/http"
require "openssl"
require "rack"
require "goptri/error"
require "goptri/settings"
require "goptri/strict"
require "goptri/token"
require "goptri/feed"
require "goptri/guard"
require "goptri/middleware"

# Verifies the access tokens of Goptri's auth-server, and rejects revoked ones within moments.
#
# {Goptri::Guard} decides about a token, {Goptri::Middleware} about a request, and
# {Goptri::Controller} is for Rails.
module Goptri
  autoload :Controller, "goptri/controller"
end
