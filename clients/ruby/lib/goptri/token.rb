# frozen_string_literal: true

module Goptri
  # The caller of a request: a user who signed in, or a client that acts for itself. The member
  # `claims` has all claims, as they are in the token.
  Caller = Struct.new(:claims) do
    # @return [String] the id of the user or of the client (`sub`)
    def subject = claims["sub"]

    # @return [String, nil] the session (`sid`); nil for a client
    def session_id = claims["sid"]

    # @return [String] the client that the token was issued to
    def client_id = claims["client_id"]

    # @return [Array<String>] the scopes, in the order in which they were granted
    def scopes = claims["scope"].split.uniq

    # @return [Array<String>] the roles of the user; empty for a client
    def roles = user? ? claims.fetch("roles", []) : []

    # @return [String, nil] the e-mail address of the user, for display only
    def email = user? ? claims["email"] : nil

    # @return [Integer] when the token expires, in seconds since 1970
    def exp = claims["exp"].to_i

    # @return [Boolean] whether the caller is a user, not a client
    def user? = claims.key?("sid")

    # @return [Boolean] whether the token has this scope
    def scope?(word) = scopes.include?(word)

    # @return [Boolean] whether the user has this role
    def role?(role) = roles.include?(role)

    # @return [Hash{Symbol => Object}] the members of `GET /me` of api-server
    def to_h
      scope = scopes.join(" ")
      { sub: subject, email: email, roles: roles, scope: scope, sid: session_id, exp: exp }.compact
    end
  end

  # One key, with its name and its only algorithm.
  Key = Struct.new(:kid, :alg, :material) do
    # @param secret [String] a secret of `ACCESS_TOKEN_SECRET`; the text itself is the key
    # @return [Key]
    def self.from_secret(secret)
      digest = OpenSSL::Digest.digest("SHA256", "goptri key id\0".b + secret.b)
      new([digest[0, 12]].pack("m0").tr("+/", "-_"), "HS256", secret)
    end

    # @param jwk [Hash] a public key
    # @return [Key, nil] nil for a key that cannot be used, such as a secret
    def self.from_jwk(jwk)
      case jwk.values_at("kty", "crv")
      when %w[OKP Ed25519]
        # RFC 8410: the form in which OpenSSL reads the key. ruby-jwt needs another gem for it.
        der = ["302a300506032b6570032100"].pack("H*") + Strict.base64url(jwk["x"])
        new(jwk["kid"], "EdDSA", OpenSSL::PKey.read(der))
      when %w[EC P-256]
        new(jwk["kid"], "ES256", JWT::JWK.import(jwk).keypair)
      when ["RSA", nil]
        key = JWT::JWK.import(jwk).keypair
        new(jwk["kid"], "RS256", key) if key.n.num_bits >= 2048
      end
    rescue StandardError
      nil
    end

    # @param token [String] a token in compact form whose header has been checked
    # @param signature [String] the bytes of its last segment
    # @return [Boolean] whether the signature is one of this key
    def verifies?(token, signature)
      input = token.rpartition(".").first
      return false if alg == "ES256" && signature.bytesize != 64
      return material.verify(nil, signature, input) if alg == "EdDSA"
      # Before version 2.10 of ruby-jwt.
      return JWT::Signature.verify(alg, material, input, signature) if defined?(JWT::Signature)

      JWT::EncodedToken.new(token).valid_signature?(algorithm: alg, key: material)
    rescue JWT::DecodeError, OpenSSL::PKey::PKeyError
      false
    end

    # @return [String] without the key
    def to_s = "#{kid} (#{alg})"
    alias_method :inspect, :to_s
  end

  # Verifies access tokens: the signature and every claim (RFC 9068, RFC 8725).
  module Token
    # RFC 6749 §3.3
    words = /\A(?:[\x21\x23-\x5b\x5d-\x7e]+(?: [\x21\x23-\x5b\x5d-\x7e]+)*)?\z/
    scope = ->(value) { value.is_a?(String) && value.match?(words) }
    text = ->(value) { value.is_a?(String) && value.match?(/[^[:space:]]/) && value !~ /\p{Cc}/ }
    texts = ->(value) { value.is_a?(Array) && value.all?(&text) }
    audience = ->(value) { text.(value) || texts.(value) }
    # Until the end of the year 9999.
    time = ->(value) { value.is_a?(Numeric) && value.between?(0, 253_402_300_799) }
    flag = ->(value) { [true, false].include?(value) }
    optional = ->(type) { ->(value) { value == :absent || type.(value) } }
    # The type of each claim.
    CLAIMS = {
      "iss" => text, "aud" => audience, "exp" => time, "iat" => time, "jti" => text, "sub" => text,
      "client_id" => text, "scope" => scope, "nbf" => optional.(time),
      "auth_time" => optional.(time), "sid" => optional.(text), "email" => optional.(text),
      "email_verified" => optional.(flag), "roles" => optional.(texts)
    }.freeze

    module_function

    # @param token [String]
    # @param settings [Settings]
    # @param now [Numeric] seconds since 1970
    # @yieldparam kid [String]
    # @yieldreturn [Key]
    # @return [Caller] whether the token was revoked is not checked
    # @raise [Error]
    def verify(token, settings, now, &key_of)
      Strict.invalid("too long") if token.bytesize > 8192
      Strict.invalid("not compact") unless token.b.match?(/\A[\w-]*\.[\w-]*\.[\w-]*\z/n)
      header, payload, signature = token.split(".", -1).map { |part| Strict.base64url(part) }
      key = key_for(Strict.object(header), &key_of)
      Strict.invalid("bad signature") unless key.verifies?(token, signature)
      Caller.new(check(Strict.object(payload), settings, now))
    end

    # Members with which a sender could choose the key are ignored: `jwk`, `jku`, `x5u`, `x5c`.
    def key_for(header)
      alg, kid, typ = header.values_at("alg", "kid", "typ")
      Strict.invalid("extension") if header.keys.intersect?(%w[crit zip enc])
      Strict.invalid("wrong type") unless %r{\A(?:application/)?at\+jwt\z}i === typ
      Strict.invalid("missing kid") unless kid.is_a?(String)
      key = yield kid
      key.alg == alg ? key : Strict.invalid("wrong algorithm")
    end

    def check(claims, settings, now)
      CLAIMS.each { |name, type| type.(claims.fetch(name, :absent)) || Strict.invalid("json") }
      Strict.invalid("wrong issuer") unless claims["iss"] == settings.issuer
      Strict.invalid("wrong audience") unless Array(claims["aud"]).include?(settings.audience)
      exp, iat, nbf, auth_time = claims.values_at("exp", "iat", "nbf", "auth_time").map(&:to_i)
      Strict.invalid("expired") if now - settings.clock_leeway >= exp
      Strict.invalid("not yet valid") if nbf > now + settings.clock_leeway
      # Revocations are kept for an hour after a token has expired.
      Strict.invalid("issued in the future") if iat > now + settings.clock_leeway + 3600
      Strict.invalid("invalid claim") if exp < iat || nbf > exp || auth_time > iat
      of_client = claims["sub"] == claims["client_id"]
      claims.key?("sid") == of_client ? Strict.invalid("no session") : claims
    end
  end
end
