# frozen_string_literal: true

module Goptri
  # One key, with its name and its only algorithm.
  class Key
    include Opaque

    # A JWK cannot be used.
    class Unusable < StandardError; end

    # @return [String]
    attr_reader :kid, :alg

    # @param secret [String] a secret of `ACCESS_TOKEN_SECRET`; the text itself is the key
    # @return [Key]
    def self.from_secret(secret)
      digest = OpenSSL::Digest::SHA256.digest("goptri key id\0".b + secret.b)
      new(Strict.encode(digest[0, 12]), "HS256", secret)
    end

    # @param jwk [Hash] a JWK with public members only
    # @return [Key]
    # @raise [Unusable]
    def self.from_jwk(jwk)
      alg, members, public_key = material(jwk)
      operations = jwk.fetch("key_ops", ["verify"])
      for_verifying = jwk.fetch("use", "sig") == "sig" && operations.is_a?(Array) && operations.include?("verify")
      kid = jwk.fetch("kid") { thumbprint(jwk.slice(*members)) }
      usable = for_verifying && jwk.fetch("alg", alg) == alg && kid.is_a?(String)
      usable ? new(kid, alg, public_key) : raise(Unusable, "it is not for verifying signatures with #{alg}")
    rescue OpenSSL::PKey::PKeyError
      raise Unusable, "its numbers are not a public key"
    end

    # @param token [String] a token in compact form whose header has been checked
    # @param signature [String] the bytes of its last segment
    # @return [Boolean] whether the signature is one of this key
    def verifies?(token, signature)
      return false if alg == "ES256" && signature.bytesize != 64
      # ruby-jwt needs another gem for EdDSA.
      return @key.verify(nil, signature, token.rpartition(".").first) if alg == "EdDSA"
      return JWT::EncodedToken.new(token).valid_signature?(algorithm: alg, key: @key) if defined?(JWT::EncodedToken)

      JWT::Signature.verify(alg, @key, token.rpartition(".").first, signature)
    rescue JWT::DecodeError, OpenSSL::PKey::PKeyError
      false
    end

    def initialize(kid, alg, key)
      @kid = kid
      @alg = alg
      @key = key
    end
    private_class_method :new

    class << self
      private

      def material(jwk)
        case jwk.values_at("kty", "crv")
        when %w[OKP Ed25519]
          ["EdDSA", %w[crv kty x], public_key(["ED25519"], bytes(jwk, "x", 32))]
        when %w[EC P-256]
          point = "\x04".b + bytes(jwk, "x", 32) + bytes(jwk, "y", 32)
          ["ES256", %w[crv kty x y], public_key(%w[id-ecPublicKey prime256v1], point)]
        when ["RSA", nil]
          ["RS256", %w[e kty n], rsa(bytes(jwk, "n"), bytes(jwk, "e"))]
        else raise Unusable, "it is not Ed25519 (EdDSA), P-256 (ES256) or RSA (RS256)"
        end
      end

      def bytes(jwk, name, length = nil)
        bytes = jwk[name].is_a?(String) && Strict.base64url(jwk[name])
        valid = bytes && (length ? bytes.bytesize == length : bytes.match?(/\A[^\0]/n))
        valid ? bytes : raise(Unusable, "its member #{name} is not that of a key of its type")
      end

      def rsa(*numbers)
        modulus, exponent = numbers.map { |number| OpenSSL::BN.new(number, 2) }
        bits = modulus.num_bits
        raise Unusable, "it is an RSA key of #{bits} bits, not of 2048 to 8192" unless bits.between?(2048, 8192)
        raise Unusable, "its RSA exponent is weak" unless exponent.odd? && exponent.num_bits.between?(17, 33)
        raise Unusable, "its RSA modulus is even" unless modulus.odd?

        numbers = [modulus, exponent].map { |number| OpenSSL::ASN1::Integer(number) }
        public_key(["rsaEncryption", nil], OpenSSL::ASN1::Sequence(numbers).to_der)
      end

      # RFC 5280 §4.1: the form in which OpenSSL reads all of these keys.
      def public_key(algorithm, bits)
        identifier = algorithm.map { |name| name ? OpenSSL::ASN1::ObjectId(name) : OpenSSL::ASN1::Null(nil) }
        info = [OpenSSL::ASN1::Sequence(identifier), OpenSSL::ASN1::BitString(bits)]
        OpenSSL::PKey.read(OpenSSL::ASN1::Sequence(info).to_der)
      end

      # RFC 7638
      def thumbprint(members)
        Strict.encode(OpenSSL::Digest::SHA256.digest(JSON.generate(members.sort.to_h)))
      end
    end
  end
end
