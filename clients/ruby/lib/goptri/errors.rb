# frozen_string_literal: true

module Goptri
  # Why a token was rejected, for the log. Clients see only a {ProtocolError}. The message has no part of the token.
  class TokenError < StandardError
    # The message for each reason.
    MESSAGES = {
      too_long: "it is longer than 8192 bytes",
      not_compact: "it is not a JWS in compact form: three segments of base64url characters, joined by dots",
      base64: "a segment is not strict base64url (padding, or bits left over at its end)",
      json: "its header or payload is not a JSON object with the expected members and types",
      duplicate_member: "its header or payload has a member twice",
      too_many_members: "its header or payload has more than 64 members",
      extension: "its header requires an extension that is not supported (crit, zip or enc)",
      wrong_type: "its typ is missing or names another type of token",
      missing_kid: "its header names no key (kid)",
      unknown_key: "no configured key has its kid; was the secret replaced, or is the token from another server?",
      wrong_algorithm: "its alg is not the algorithm of the key that it names",
      bad_signature: "its signature does not match",
      wrong_issuer: "its issuer (iss) is not the configured one",
      wrong_audience: "its audience (aud) does not name this service",
      expired: "it has expired",
      not_yet_valid: "it is not valid yet (nbf)",
      issued_in_the_future: "it was issued in the future (iat); do the clocks of the servers agree?",
      invalid_claim: "one of its claims has a value that auth-server never issues",
      no_session: "it must have either a session (sid) or its client as subject, and not both",
      revoked: "its session, the token itself or its client was revoked",
      malformed_cookie: "its cookie is not base64 of JSON with the member jwt, or too long",
      two_cookies: "the request has two session cookies of one name",
      stale: "it is unknown whether it was revoked: the revocation feed is stale, and ON_STALE is refuse",
      not_caught_up: "it is unknown whether it was revoked: not all of the revocation feed was read since the start",
      keys_unavailable: "its key is unknown, and the keys that auth-server publishes were not fetched yet"
    }.freeze

    # @return [Symbol] one of the keys of {MESSAGES}
    attr_reader :reason

    # @param reason [Symbol]
    def initialize(reason)
      @reason = reason
      super(MESSAGES.fetch(reason))
    end

    # @return [ProtocolError] what the client sees
    def protocol_error
      unavailable = %i[stale not_caught_up keys_unavailable].include?(reason)
      unavailable ? ProtocolError::UNAVAILABLE : ProtocolError::INVALID_TOKEN
    end
  end

  # An error as the client sees it.
  ProtocolError = Struct.new(:status, :code, :description, :headers) do
    # @return [Array(Integer, Hash, Array<String>)] the response for Rack
    def to_rack
      body = JSON.generate("error" => code, "error_description" => description)
      [status, Goptri.headers({ "Content-Type" => "application/json", **headers }), [body]]
    end

    # @return [ProtocolError] the error for a token without this scope
    def for_scope(scope)
      challenge = %(Bearer error="#{code}", scope="#{scope}")
      self.class.new(status, code, description, { "WWW-Authenticate" => challenge }.freeze).freeze
    end
  end

  class ProtocolError
    define = ->(*values) { new(*values).freeze }
    challenge = ->(value) { { "WWW-Authenticate" => value }.freeze }
    # The request has no token.
    MISSING_TOKEN = define.(401, "missing_token",
      "This route needs an access token; send it as Authorization: Bearer and the token.", challenge.("Bearer"))
    # The token is invalid. Every reason gets this response.
    INVALID_TOKEN = define.(401, "invalid_token",
      "The token is malformed, expired, revoked or for another service.", challenge.('Bearer error="invalid_token"'))
    # The token is valid and lacks the scope or role.
    INSUFFICIENT_SCOPE = define.(403, "insufficient_scope",
      "The access token lacks the scope or role that this route needs.",
      challenge.('Bearer error="insufficient_scope"'))
    # The request has several `Authorization` headers.
    TWO_CREDENTIALS = define.(400, "invalid_request",
      "The request has more than one Authorization header; send one.", {}.freeze)
    # A page that may not use cookies sent the request.
    CROSS_SITE = define.(403, "cross_site_request",
      "Requests with cookies that change something must come from a page of this service or of an allowed origin.",
      {}.freeze)
    # It is unknown whether the token is valid or was revoked.
    UNAVAILABLE = define.(503, "temporarily_unavailable",
      "The service is temporarily unavailable; try again after the seconds in the Retry-After header.",
      { "Retry-After" => "1" }.freeze)
  end
end
