# frozen_string_literal: true

Gem::Specification.new do |spec|
  spec.name = "goptri"
  spec.version = "0.1.0"
  spec.authors = ["The Goptri authors"]
  spec.summary = "Verifies Goptri's access tokens in Rails, Sinatra and other Rack applications"
  spec.description = "Rack middleware that verifies access tokens of Goptri's auth-server, in the Authorization header " \
                     "or the session cookie, and rejects revoked ones within moments. It wraps ruby-jwt."
  spec.homepage = "https://github.com/goptri/goptri"
  spec.licenses = ["MIT", "Apache-2.0"]
  spec.required_ruby_version = ">= 3.1"
  spec.metadata = {
    "source_code_uri" => "https://github.com/goptri/goptri/tree/main/clients/ruby",
    "documentation_uri" => "https://github.com/goptri/goptri/blob/main/clients/ruby/README.md",
    "rubygems_mfa_required" => "true"
  }
  spec.files = Dir.chdir(__dir__) { Dir["lib/**/*.rb"] + %w[README.md LICENSE-APACHE LICENSE-MIT] }
  spec.add_dependency "logger"
  spec.add_dependency "jwt", ">= 2.5", "< 4"
  spec.add_dependency "rack", ">= 2.2", "< 4"
end
