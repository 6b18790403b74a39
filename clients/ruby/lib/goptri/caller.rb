# frozen_string_literal: true

module Goptri
  # The caller of a request: a user who signed in, or a client that acts for itself.
  class Caller
    # @return [String] the id of the user or of the client (`sub`)
    attr_reader :subject
    # @return [String, nil] the session (`sid`); nil for a client
    attr_reader :session_id
    # @return [String] the client that the token was issued to
    attr_reader :client_id
    # @return [Array<String>] the scopes, in the order in which they were granted
    attr_reader :scopes
    # @return [Array<String>] the roles of the user; empty for a client
    attr_reader :roles
    # @return [String, nil] the e-mail address, for display only
    attr_reader :email
    # @return [Integer] when the token expires, in seconds since 1970
    attr_reader :exp
    # @return [Hash{String => Object}] all claims, as they are in the token
    attr_reader :claims

    # @param claims [Hash] verified claims
    def initialize(claims)
      @claims = claims.freeze
      @subject, @client_id, @session_id = claims.values_at("sub", "client_id", "sid")
      @scopes = claims["scope"].split.uniq.freeze
      @roles = user? ? claims.fetch("roles", []).freeze : []
      @email = claims["email"] if user?
      @exp = claims["exp"].to_i
    end

    # @return [Boolean] whether the caller is a user, not a client
    def user?
      !session_id.nil?
    end

    # @param word [String] compared exactly
    # @return [Boolean] whether the token has this scope
    def scope?(word)
      scopes.include?(word)
    end

    # @param role [String] compared exactly
    # @return [Boolean] whether the user has this role
    def role?(role)
      roles.include?(role)
    end

    # @return [Hash{Symbol => Object}] the members of `GET /me` of api-server
    def to_h
      { sub: subject, email: email, roles: roles, scope: scopes.join(" "), sid: session_id, exp: exp }.compact
    end

    # @return [String]
    def inspect
      "#<#{self.class.name} #{subject}>"
    end
  end
end
