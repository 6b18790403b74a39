# frozen_string_literal: true

module Goptri
  # Sends requests to auth-server. Redirects and proxies are not used: no other server may get a secret or supply keys.
  class AuthServer
    # @return [String]
    attr_reader :url

    # @param url [String]
    # @param ca_file [String, nil] certificates to trust in addition to those of the system
    def initialize(url, ca_file = nil)
      @url = url
      @ca_file = ca_file
    end

    # @param path [String]
    # @param headers [Hash{String => String}]
    # @param timeout [Numeric] seconds until the headers of the response, and between two pieces of it
    # @yieldparam response [Net::HTTPResponse]
    # @yieldparam http [Net::HTTP] the connection
    def get(path, headers, timeout:)
      uri = URI.parse(@url + path)
      http = Net::HTTP.new(uri.hostname, uri.port, nil)
      http.open_timeout = 5
      http.read_timeout = timeout
      http.max_retries = 0
      trust(http) if uri.scheme == "https"
      request = Net::HTTP::Get.new(uri, { "Accept-Encoding" => "identity", "Connection" => "close", **headers })
      http.start { http.request(request) { |response| yield response, http } }
    end

    private

    def trust(http)
      http.use_ssl = true
      http.cert_store = OpenSSL::X509::Store.new
      http.cert_store.set_default_paths
      http.cert_store.add_file(@ca_file) if @ca_file
    end
  end
end
