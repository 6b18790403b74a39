# frozen_string_literal: true

module Goptri
  # Parses a stream of server-sent events (WHATWG HTML standard, §9.2.6) in bounded memory.
  class EventStream
    # The longest line, and the longest event.
    MAX_BYTES = 1024 * 1024

    # A line or an event is longer than {MAX_BYTES}.
    class TooLong < StandardError; end

    def initialize
      @buffer = +"".b
      @data = +"".b
      @name = ""
    end

    # @param chunk [String]
    # @yieldparam name [String]
    # @yieldparam data [String]
    # @raise [TooLong]
    def feed(chunk, &on_event)
      # A CR and a LF in two chunks are one line end.
      chunk = chunk.b.delete_prefix("\n") if @after_cr && !chunk.empty?
      @after_cr = chunk.end_with?("\r") unless chunk.empty?
      # Only the new chunk is searched for line ends.
      *lines, rest = chunk.b.split(/\r\n|\r|\n/n, -1)
      lines.each do |line|
        end_line(@buffer << line, &on_event)
        @buffer = +"".b
      end
      @buffer << rest if rest
      raise TooLong, "an event is longer than #{MAX_BYTES} bytes" if @buffer.bytesize + @data.bytesize > MAX_BYTES
    end

    private

    def end_line(line)
      line = line.delete_prefix("\xef\xbb\xbf".b) unless @after_first_line
      @after_first_line = true
      raise TooLong, "a line is longer than #{MAX_BYTES} bytes" if line.bytesize > MAX_BYTES

      field, value = line.split(":", 2)
      value = value.to_s.delete_prefix(" ")
      case field
      when nil
        name, data, @name, @data = @name, @data, "", +"".b
        yield name, data.chomp("\n") unless data.empty?
      when "event" then @name = value
      when "data" then @data << value << "\n"
      end
    end
  end
end
