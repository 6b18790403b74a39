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
    # comments and unknown escapes. A number is small enough for a float.
    escape = %r{\\["\\/bfnrt]|\\u(?!d[89a-f])\h{4}|\\ud[89ab]\h\h\\ud[c-f]\h\h}i
    STRING = /"(?:[^"\\\x00-\x1f]++|#{escape})*+"/
    number = /-?\d{1,200}(?!\d)(?:\.\d++)?+(?:[eE](?:-\d++|\+?\d{1,2}(?!\d)))?+/
    LEXICAL = /\A(?:[\[\]{}:, \t\n\r]++|#{STRING}|#{number}|true|false|null)*+\z/
    # Of all objects together; an object in another one counts too.
    MAX_MEMBERS = 64

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
      invalid("json") unless readable
      # Without the outermost object. Most texts have few of these characters, also in strings.
      many = text.count("{:") - 1 > MAX_MEMBERS
      invalid("too many members") if many && text.gsub(STRING, "").count("{:") - 1 > MAX_MEMBERS
      JSON.parse(text, object_class: Members, max_nesting: 127)
    rescue JSON::ParserError
      invalid("json")
    end
  end
end
