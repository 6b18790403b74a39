# frozen_string_literal: true

require "test_helper"

class EventStreamTest < Minitest::Test
  TEXT = "\ufeffevent: a\ndata: 1\ndata:2\n\n: comment\nid: 3\nevent: none\n\ndata\n\n" \
         "event:b\ndata:  x: y\n\nevent: cut\ndata: 1\n".b
  EVENTS = [["a", "1\n2"], ["", ""], ["b", " x: y"]].freeze

  def events(text, size)
    stream = Goptri::EventStream.new
    found = []
    text.bytes.each_slice(size) { |part| stream.feed(part.pack("C*")) { |name, data| found << [name, data] } }
    found
  end

  def test_events_are_the_same_however_they_are_split
    ["\n", "\r", "\r\n"].each do |line_end|
      text = TEXT.gsub("\n", line_end)
      (1..text.bytesize).each { |size| assert_equal EVENTS, events(text, size), "#{line_end.inspect} #{size}" }
    end
  end

  def test_memory_is_bounded
    ["x" * 70_000, "data: #{"x" * 70_000}\n", "data: #{"x" * 70_000}\n\n"].each_with_index do |text, index|
      stream = Goptri::EventStream.new
      feed = -> { 16.times { stream.feed(text) { |_, _| nil } } }
      index < 2 ? assert_raises(Goptri::EventStream::TooLong, &feed) : feed.call
    end
  end
end
