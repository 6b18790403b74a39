# frozen_string_literal: true

module Goptri
  # The session cookie: base64 of `{"jwt": "<access token>"}`.
  module SessionCookie
    # Browsers store no longer cookies.
    MAX_BYTES = 4096

    module_function

    # @param header [String, nil] the `Cookie` header
    # @param name [String] compared exactly
    # @return [String, nil] the value of the cookie
    # @raise [TokenError] for two cookies of the name, one of which another host of the domain may have planted
    def find(header, name)
      pairs = header.to_s.b.split(";").map { |pair| Strict.rstrip(pair.sub(/\A[ \t]+/n, "")).split("=", 2) }
      values = pairs.filter_map { |found, value| value if found == name }
      raise TokenError, :two_cookies if values.size > 1

      values.first
    end

    # @param value [String] the value of the cookie
    # @return [String] the token, which is not verified
    # @raise [TokenError]
    def token(value)
      json = Strict.base64(value) if value.bytesize <= MAX_BYTES
      token = json && Strict.object(json)["jwt"]
      # Only one encoding of a token is accepted: without escapes.
      raise TokenError, :malformed_cookie unless token.is_a?(String) && json.b.include?("\"#{token}\"".b)

      token
    rescue Strict::Invalid
      raise TokenError, :malformed_cookie
    end
  end
end
