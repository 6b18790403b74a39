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

  # @return [OpenSSL::X509::Certificate, nil] the certificate, signed by itself
  attr_reader :certificate

  def initialize(tls: false)
    @server = TCPServer.new("127.0.0.1", 0)
    @url = "#{tls ? "https" : "http"}://127.0.0.1:#{@server.addr[1]}"
    @server = with_tls(@server) if tls
    @feeds = Queue.new
    @keys = []
    @thread = Thread.new { serve }
  end

  # @return [String]
  attr_reader :url

  # Accepts the next connection to the feed.
  def next_feed(status: 200, headers: "Content-Type: text/event-stream\r\n")
    feed = Timeout.timeout(10) { @feeds.pop }
    feed.socket.write("HTTP/1.1 #{status} X\r\n#{headers}Connection: close\r\nTransfer-Encoding: chunked\r\n\r\n")
    feed
  end

  def close
    @thread.kill
    @server.close
  end

  private

  def with_tls(server)
    key = OpenSSL::PKey::EC.generate("prime256v1")
    @certificate = OpenSSL::X509::Certificate.new.tap do |certificate|
      certificate.version = 2
      certificate.serial = 1
      certificate.subject = certificate.issuer = OpenSSL::X509::Name.new([["CN", "auth-server"]])
      certificate.public_key = key
      certificate.not_before = Time.now - 60
      certificate.not_after = Time.now + 600
      extensions = OpenSSL::X509::ExtensionFactory.new(certificate, certificate)
      certificate.add_extension(extensions.create_extension("subjectAltName", "IP:127.0.0.1"))
      certificate.sign(key, "SHA256")
    end
    context = OpenSSL::SSL::SSLContext.new
    context.add_certificate(@certificate, key)
    OpenSSL::SSL::SSLServer.new(server, context).tap { |tls_server| tls_server.start_immediately = false }
  end

  def serve
    loop { Thread.new(@server.accept) { |socket| answer(socket) } }
  end

  # In a thread of its own: a client that is killed within a handshake may leave its connection open.
  def answer(socket)
    socket.accept if socket.is_a?(OpenSSL::SSL::SSLSocket)
    path = socket.gets.to_s.split[1]
    headers = {}
    while (line = socket.gets&.chomp) && !line.empty?
      name, value = line.split(": ", 2)
      headers[name.downcase] = value
    end
    path == "/revocations" ? @feeds << Feed.new(socket, headers) : send_keys(socket)
  rescue OpenSSL::SSL::SSLError, SystemCallError
    # The client has closed the connection.
  end

  def send_keys(socket)
    body = JSON.generate(keys: @keys)
    socket.write("HTTP/1.1 200 OK\r\nContent-Length: #{body.bytesize}\r\nConnection: close\r\n\r\n#{body}")
    socket.close
  end
end
