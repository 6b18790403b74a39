# frozen_string_literal: true

require "test_helper"
require "open3"
require "tmpdir"

# The script that starts examples/verifiers/orders, with a Puma that prints its variables.
class ExampleTest < Minitest::Test
  RUN = File.expand_path("../../../examples/verifiers/orders/run", __dir__)
  NAMES = %w[ACCESS_TOKEN_SECRET FEED_SECRET].freeze

  def run_with(**variables)
    Dir.mktmpdir do |folder|
      Dir.mkdir("#{folder}/.goptri")
      File.write("#{folder}/.goptri/secrets.env", NAMES.map { |name| "#{name}=of-cargo-dev\n" }.join)
      # `ruby` would list the gems that are missing.
      { "puma" => NAMES.map { |name| "echo \"$#{name}\"" }.join("\n"), "ruby" => "" }.each do |name, script|
        File.write("#{folder}/#{name}", "#!/bin/sh\n#{script}\n", perm: 0o755)
      end
      unset = NAMES.flat_map { |name| [name, "#{name}_FILE"] }.to_h { |name| [name, nil] }
      env = { **unset, "PATH" => "#{folder}:#{ENV.fetch("PATH")}", **variables.transform_keys(&:to_s) }
      output, status = Open3.capture2e(env, RUN, chdir: folder)
      assert_predicate status, :success?, output
      output.lines(chomp: true)
    end
  end

  def test_the_secrets_of_cargo_dev_are_used_unless_others_are_set
    assert_equal %w[of-cargo-dev of-cargo-dev], run_with
    assert_equal %w[mine of-cargo-dev], run_with(ACCESS_TOKEN_SECRET: "mine")
    assert_equal ["of-cargo-dev", ""], run_with(FEED_SECRET_FILE: "/run/secrets/feed")
    empty = NAMES.flat_map { |name| [name, "#{name}_FILE"] }.to_h { |name| [name.to_sym, ""] }
    assert_equal %w[of-cargo-dev of-cargo-dev], run_with(**empty)
  end
end
