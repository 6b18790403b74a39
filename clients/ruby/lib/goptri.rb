# frozen_string_literal: true

require "ipaddr"
require "json"
require "jwt"
require "logger"
require "net/http"
require "openssl"
require "rack"
require "uri"

# `JWT.decode` would also parse the JSON, and not as strictly as {Goptri::Strict}.
unless defined?(JWT::EncodedToken) || defined?(JWT::Signature)
  raise LoadError, "goptri needs the gem jwt 2.5, or 2.10 and later: the others do not verify a signature alone"
end

# Verifies the access tokens of Goptri's auth-server, and rejects revoked ones within moments.
#
# {Goptri::Guard} decides about a token, {Goptri::Middleware} about a request, and {Goptri::Controller} is for Rails.
module Goptri
  # Hides instance variables, which may be secrets, from logs and consoles.
  module Opaque
    # @return [String] the name of the class
    def inspect
      "#<#{self.class.name}>"
    end
  end

  # @return [Hash] headers whose names are compared as the version of Rack does
  def self.headers(hash)
    (defined?(Rack::Headers) ? Rack::Headers : Rack::Utils::HeaderHash)[hash]
  end
end

require "goptri/version"
require "goptri/errors"
require "goptri/strict"
require "goptri/key"
require "goptri/keys"
require "goptri/caller"
require "goptri/verifier"
require "goptri/revocations"
require "goptri/settings"
require "goptri/auth_server"
require "goptri/key_refresher"
require "goptri/event_stream"
require "goptri/follower"
require "goptri/guard"
require "goptri/session_cookie"
require "goptri/authentication"
require "goptri/middleware"
require "goptri/controller"
