# frozen_string_literal: true

require "test_helper"

class StrictTest < Minitest::Test
  def outcome(json)
    Goptri::Strict.object(json) && "read"
  rescue Goptri::Error => e
    e.message.tr(" ", "_")
  end

  def members(from, to)
    (from...to).map { |n| "\"m#{n}\":1" }.join(",")
  end

  def test_a_duplicate_member_is_found_at_any_depth_and_in_any_spelling
    {
      '{"a":1,"b":[{"a":1},{"a":2}],"c":{"a":null},"d":-1,"e":1.5,"f":true,"g":"\n"}' => "read",
      '{"a":1,"a":1}' => "duplicate_member",
      '{"a":1,"\u0061":2}' => "duplicate_member",
      '{"b":{"c":[{"a":"x","a":"y"}]}}' => "duplicate_member",
      '{"b":[1,[{"c":{},"c":{}}]]}' => "duplicate_member"
    }.each { |json, expected| assert_equal expected, outcome(json), json }
  end

  def test_only_the_json_of_rfc_8259_is_read
    read = ['{"a":0}', '{"a":-0}', '{"a":-0.0e-1}', '{"a":1E+2}', '{"a":"\ud83d\ude00\/\u0000"}', '{"ü":"ü"}',
            "{ \"a\"\t:\r\n[ ] } \n", "{\"a\":\"\u{7f}\"}", '{"a":18446744073709551616}',
            "{\"a\":#{"[" * 126}#{"]" * 126}}"]
    read += ["{\"a\":#{"1" * 200}}", '{"a":1e99}', '{"a":1e-400}']
    read.each { |json| assert_equal "read", outcome(json), json }
    ["", "[]", " {}", "\ufeff{}", "{} x", "{}\0", "{}{}", "{\"a\":\"\xff\"}", '{"a":"\ud800"}', '{"a":"\ude00\ud83d"}',
     '{"a":"\ud800\u0061"}', '{"a":/*x*/1}', "{\"a\":1//x\n}", '{"a":01}', '{"a":-01}', '{"a":+1}', '{"a":.5}',
     '{"a":1.}', '{"a":1e}', '{"a":1e999}', '{"a":[-1e999]}', "{\"a\":1#{"0" * 400}}", '{"a":NaN}', '{"a":Infinity}',
     '{"a":-Infinity}', '{"a":"\q"}', "{\"a\":\"\t\"}", '{"a":\'b\'}', '{a:1}', '{"a":1,}', '{"a":[1,]}', '{"a":nul}',
     '{"a":True}', '{"a":truefalse}', '{"a":1 2}', '{"a":"\u00g0"}', '{"a":"b}', '{"a":0x1}', "{\"a\":1\v}",
     "{\"a\":1\u00a0}", "{\"a\":#{"[" * 127}#{"]" * 127}}"].each { |json| assert_equal "json", outcome(json), json }
  end

  def test_the_members_of_all_objects_are_limited_together
    nested = ->(count) { "{\"a\":[{#{members(0, count / 2)}},{#{members(0, (count + 1) / 2)}}]}" }
    {
      "{#{members(0, 64)}}" => "read",
      "{#{members(0, 65)}}" => "too_many_members",
      nested.(61) => "read",
      nested.(62) => "too_many_members",
      "{\"a\":[#{"{}," * 64}0]}" => "too_many_members"
    }.each { |json, expected| assert_equal expected, outcome(json), json }
  end

  def test_base64url_has_one_text_for_each_value
    { "" => "", "Zg" => "f", "Zm8" => "fo", "Zm9v" => "foo", "-_8" => "\xfb\xff".b }.each do |text, bytes|
      assert_equal bytes, Goptri::Strict.base64url(text)
    end
    ["Zh", "Zm9", "Z", "Zm9vZ", "Zm9v\n", "Zm 9", "é"].each do |text|
      assert_equal :base64, rejection { Goptri::Strict.base64url(text) }, text
    end
  end
end
