# frozen_string_literal: true

module Goptri
  # The keys of a service: its secrets, and the public keys that auth-server publishes.
  class Keys
    include Opaque

    # A fetched set is rejected as a whole.
    class InvalidSet < StandardError; end

    PRIVATE_MEMBERS = %w[d p q dp dq qi oth k].freeze
    private_constant :PRIVATE_MEMBERS

    # @param json [String] the body of `/.well-known/jwks.json`
    # @yieldparam reason [String] why one key is skipped
    # @return [Array<Key>]
    # @raise [InvalidSet]
    def self.parse(json)
      keys = Strict.object(json, max_members: 4096)["keys"]
      raise InvalidSet, "it is not a set of keys" unless keys.is_a?(Array) && keys.all?(Hash) && keys.size <= 64

      with_private_members = keys.any? { |jwk| jwk.keys.intersect?(PRIVATE_MEMBERS) }
      raise InvalidSet, "it has private members; replace these keys now" if with_private_members

      usable = keys.filter_map do |jwk|
        Key.from_jwk(jwk)
      rescue Key::Unusable => e
        yield e.message
      end
      raise InvalidSet, "it has two keys with the same kid" unless usable.uniq(&:kid).size == usable.size
      raise InvalidSet, "none of its keys can be used" if usable.empty? && keys.any?

      usable
    rescue Strict::Invalid
      raise InvalidSet, "it is not a JSON object with an array of keys; does AUTH_SERVER_URL name auth-server itself?"
    end

    # @param local [Array<Key>]
    def initialize(local)
      @local = local
      @published = nil
      merge
    end

    # @param keys [Array<Key>] replaces the secrets
    def local=(keys)
      @local = keys
      merge
    end

    # @param keys [Array<Key>] replaces the published keys; those that are missing are not trusted any more
    def published=(keys)
      @published = keys
      merge
    end

    # @return [Boolean] whether the published keys were fetched
    def fetched?
      !@published.nil?
    end

    # @return [Boolean]
    def empty?
      @by_kid.empty?
    end

    # @return [Key]
    # @raise [TokenError] for an unknown `kid`
    def fetch(kid)
      @by_kid.fetch(kid) { raise TokenError, fetched? && !empty? ? :unknown_key : :keys_unavailable }
    end

    # @return [String] the names of all keys, for the log
    def to_s
      @by_kid.values.map { |key| "#{key.kid} (#{key.alg})" }.join(", ")
    end

    private

    # A secret wins over a published key of the same name.
    def merge
      @by_kid = [*@published, *@local].to_h { |key| [key.kid, key] }.freeze
    end
  end
end
