# frozen_string_literal: true

module Goptri
  # Parses base64 and JSON strictly, so that no other parser reads a token differently.
  module Strict
    # The text is rejected. The message is a reason of {TokenError}.
    class Invalid < StandardError; end

    # An object that accepts each member once.
    class Members < Hash
      def []=(name, value)
        raise Invalid, "duplicate_member" if key?(name)

        super
      end
    end

    # The tokens of RFC 8259, in any order. The json library checks their order, but also accepts comments and unknown
    # escapes.
    string = /"(?:[^"\\\x00-\x1f]++|\\["\\\/bfnrt]|\\u(?!d[89a-f])\h{4}|\\ud[89ab]\h\h\\ud[c-f]\h\h)*+"/i
    number = /-?(?:0|[1-9][0-9]*+)(?:\.[0-9]++)?+(?:[eE][+-]?[0-9]++)?+/
    LEXICAL = /\A(?:[\[\]{}:, \t\n\r]++|#{string}|#{number}|true|false|null)*+\z/
    private_constant :LEXICAL

    module_function

    # @param text [String] base64url without padding
    # @return [String, nil] its bytes; nil if another text would have the same bytes
    def base64url(text)
      base64(text.tr("-_", "+/") + "=" * (-text.length % 4)) unless text.match?(%r{[+/=]})
    end

    # @param text [String] base64 with padding
    # @return [String, nil] its bytes; nil if another text would have the same bytes
    def base64(text)
      text.unpack1("m0")
    rescue ArgumentError
      nil
    end

    # @param bytes [String] in binary encoding
    # @return [String] the bytes without the spaces and tabs at the end. Takes linear time; a regular expression that
    #   matches them takes quadratic time.
    def rstrip(bytes)
      last = bytes.rindex(/[^ \t]/n)
      last ? bytes[0..last] : ""
    end

    # @param bytes [String]
    # @return [String] base64url without padding
    def encode(bytes)
      [bytes].pack("m0").tr("+/", "-_").delete("=")
    end

    # @param bytes [String] one JSON object with nothing before it
    # @return [Hash{String => Object}]
    # @raise [Invalid] for two members of one name at any depth, too many members, or anything that is not JSON
    def object(bytes, max_members: 64)
      text = bytes.dup.force_encoding(Encoding::UTF_8)
      raise Invalid, "json" unless text.valid_encoding? && text.start_with?("{") && LEXICAL.match?(text)

      object = JSON.parse(text, object_class: Members, max_nesting: 127)
      raise Invalid, "too_many_members" if count(object) > max_members + 1

      object
    rescue JSON::ParserError
      raise Invalid, "json"
    end

    # @return [Integer] the members and objects in a value
    def count(value)
      case value
      when Hash then 1 + value.size + value.sum { |_, member| count(member) }
      when Array then value.sum { |element| count(element) }
      when Numeric then value.to_f.finite? ? 0 : raise(Invalid, "json")
      else 0
      end
    end
    private_class_method :count
  end
end
