# frozen_string_literal: true

# Serves the feed, of which a test sends each part, and the keys.
class FakeAuthServer
  # One connection to the feed.
  Feed = Struct.new(:socket, :headers) do
    def send(text)
      socket.write("#{text.bytesize.to_s(16)}\r\n#{text}\r\n")
    end

    def close
      socket.close
    end
  end

  # @return [Array<Hash>] the published keys
  attr_writer :keys

  def initialize
    @server = TCPServer.new("127.0.0.1", 0)
    @feeds = Queue.new
    @keys = []
    @thread = Thread.new { serve }
  end

  def url
    @url ||= "http://127.0.0.1:#{@server.addr[1]}"
  end

  # Accepts the next connection to the feed.
  def next_feed(status: 200, headers: "Content-Type: text/event-stream\r\n")
    feed = Timeout.timeout(10) { @feeds.pop }
    feed.socket.write("HTTP/1.1 #{status} X\r\n#{headers}Connection: close\r\nTransfer-Encoding: chunked\r\n\r\n")
    feed
  end

  def close
    url
    @thread.kill
    @server.close
  end

  private

  def serve
    loop do
      socket = @server.accept
      path = socket.gets.to_s.split[1]
      headers = {}
      while (line = socket.gets&.chomp) && !line.empty?
        name, value = line.split(": ", 2)
        headers[name.downcase] = value
      end
      path == "/revocations" ? @feeds << Feed.new(socket, headers) : send_keys(socket)
    end
  end

  def send_keys(socket)
    body = JSON.generate(keys: @keys)
    socket.write("HTTP/1.1 200 OK\r\nContent-Length: #{body.bytesize}\r\nConnection: close\r\n\r\n#{body}")
    socket.close
  end
end
