# frozen_string_literal: true

module Goptri
  # The settings are invalid. The message names every invalid variable, and contains no secret.
  class SettingsError < ArgumentError; end

  # Why a request is rejected. The message is the reason for the log; the client does not see it.
  class Error < StandardError
    # The status, the challenge and the description of each code.
    RESPONSES = {
      missing_token: [401, "Bearer", "This route needs an access token; " \
                                     "send it as Authorization: Bearer and the token."],
      invalid_token: [401, 'Bearer error="invalid_token"',
                      "The token is malformed, expired, revoked or for another service."],
      insufficient_scope: [403, 'Bearer error="insufficient_scope"',
                           "The access token lacks the scope or role that this route needs."],
      invalid_request: [400, nil, "The request has more than one Authorization header; send one."],
      cross_site_request: [403, nil, "Requests with cookies that change something must come from " \
                                     "a page of this service or of an allowed origin."],
      temporarily_unavailable: [503, nil, "The service is temporarily unavailable; try again " \
                                          "after the seconds in the Retry-After header."]
    }.freeze

    # @return [Integer] the status of the response
    attr_reader :status

    # @param code [Symbol] one of {RESPONSES}
    # @param scope [String, nil] the scope that the token lacks
    def initialize(code, reason = code.to_s, scope: nil)
      super(reason)
      @code = code
      @status, @challenge, @description = RESPONSES.fetch(code)
      @challenge += %(, scope="#{scope}") if scope
    end

    # @return [Array(Integer, Hash, Array<String>)] the response for Rack
    def to_rack
      headers = { "content-type" => "application/json", "www-authenticate" => @challenge,
                  "retry-after" => ("1" if status == 503) }
      body = JSON.generate(error: @code, error_description: @description)
      [status, headers.compact, [body]]
    end
  end
end
