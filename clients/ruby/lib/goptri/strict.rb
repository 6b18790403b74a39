# frozen_string_literal: true

module Goptri
  # Parses base64 and JSON strictly, so that no other parser reads a token differently. Everything
  # else is an {Error} `invalid_token`.
  module Strict
    # An object that accepts each member once.
    class Members < Hash
      def []=(name, value)
        key?(name) ? Strict.invalid("duplicate member") : super
      end
    end

    # The tokens of RFC 8259, in any order. The json library checks their order, but also accepts
    # comments and unknown escapes.
    escape = %r{\\["\\/bfnrt]|\\u(?!d[89a-f])\h{4}|\\ud[89ab]\h\h\\ud[c-f]\h\h}i
    string = /"(?:[^"\\\x00-\x1f]++|#{escape})*+"/
    number = /-?[0-9]++(?:\.[0-9]++)?+(?:[eE][+-]?[0-9]++)?+/
    LEXICAL = /\A(?:[\[\]{}:, \t\n\r]++|#{string}|#{number}|true|false|null)*+\z/

    module_function

    # @raise [Error]
    def invalid(reason) = raise(Error.new(:invalid_token, reason))

    # @param text [String] base64 with padding
    # @return [String] its bytes
    def base64(text)
      text.unpack1("m0")
    rescue ArgumentError
      invalid("base64")
    end

    # @param text [String] characters of base64url, without padding
    # @return [String] its bytes
    def base64url(text) = base64(text.tr("-_", "+/") + ("=" * (-text.length % 4)))

    # @param bytes [String] one JSON object with nothing before it, and at most 64 members
    # @return [Hash{String => Object}]
    def object(bytes)
      text = bytes.dup.force_encoding(Encoding::UTF_8)
      readable = text.valid_encoding? && text.start_with?("{") && LEXICAL.match?(text)
      object = JSON.parse(text, object_class: Members, max_nesting: 127) if readable
      invalid("json") unless object
      invalid("too many members") if count(object) > 65
      object
    rescue JSON::ParserError
      invalid("json")
    end

    # @return [Integer] the members and objects in a value
    def count(value)
      case value
      when Hash then 1 + value.size + value.each_value.sum { |member| count(member) }
      when Array then value.sum { |element| count(element) }
      when Numeric then value.to_f.finite? ? 0 : invalid("json")
      else 0
      end
    end
  end
end
