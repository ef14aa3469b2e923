using System.Text.Json;
using Mergeflow.Control.Bridges;
using Mergeflow.Control.Ovsdb;
using Xunit;

namespace Mergeflow.Tests;

/// <summary>Values of columns and their differences.</summary>
public sealed class OvsdbDatumTests
{
    private static readonly OvsdbType s_numbers = OvsdbType.Set(OvsdbAtomType.Integer);
    private static readonly OvsdbType s_map = OvsdbType.Map(OvsdbAtomType.String, OvsdbAtomType.String);

    [Fact]
    public void Every_recorded_value_is_written_as_it_was_read()
    {
        int count = 0;
        foreach ((OvsdbColumn column, JsonElement value) in RecordedValues())
        {
            OvsdbDatum datum = OvsdbDatum.Parse(value, column.Type);
            Assert.Equal(datum, OvsdbDatum.Parse(Written(datum), column.Type));

            // The order of sets is the server's own; that of maps is the same.
            if (datum.IsMap || datum.Count == 1) Assert.True(JsonElement.DeepEquals(value, Written(datum)), $"{column.Name}: {value.GetRawText()}");
            count++;
        }

        Assert.True(count > 400, $"{count} values");
    }

    [Theory]
    [InlineData("[\"set\",[1,2]]", "[\"set\",[2,3]]", "[1, 3]")]
    [InlineData("[\"set\",[]]", "5", "5")]
    [InlineData("5", "5", "[]")]
    public void A_difference_of_sets_takes_what_both_have_and_adds_the_rest(string old, string difference, string expected)
        => Assert.Equal(expected, Parse(old, s_numbers).Apply(Parse(difference, s_numbers), s_numbers).ToString());

    [Theory]
    [InlineData("[\"map\",[[\"a\",\"1\"],[\"b\",\"2\"]]]", "[\"map\",[[\"a\",\"1\"]]]", "{b=2}")]
    [InlineData("[\"map\",[[\"a\",\"1\"]]]", "[\"map\",[[\"a\",\"2\"],[\"c\",\"3\"]]]", "{a=2, c=3}")]
    public void A_difference_of_maps_takes_equal_pairs_and_sets_the_others(string old, string difference, string expected)
        => Assert.Equal(expected, Parse(old, s_map).Apply(Parse(difference, s_map), s_map).ToString());

    [Fact]
    public void A_column_with_one_element_at_most_takes_the_difference_as_its_value()
    {
        OvsdbType optional = OvsdbType.Optional(OvsdbAtomType.Integer);
        Assert.Equal("5", Parse("5", optional).Apply(Parse("5", optional), optional).ToString());
        Assert.Equal("[]", Parse("5", optional).Apply(Parse("[\"set\",[]]", optional), optional).ToString());
    }

    [Theory]
    [InlineData("[\"set\",[1,1]]")]
    [InlineData("[\"set\",[\"1\"]]")]
    [InlineData("1.5")]
    [InlineData("9223372036854775808")]
    [InlineData("[\"map\",[]]")]
    [InlineData("[\"uuid\",\"550e8400-e29b-41d4-a716-446655440000\"]")]
    [InlineData("null")]
    public void What_is_no_set_of_numbers_is_refused(string text) => Assert.Throws<OvsdbException>(() => Parse(text, s_numbers));

    [Fact]
    public void A_value_of_a_map_is_found_by_its_key()
    {
        OvsdbDatum map = Parse("[\"map\",[[\"b\",\"2\"],[\"a\",\"1\"]]]", s_map);
        Assert.Equal(("1", "2", null), (map.TextOf("a"), map.TextOf("b"), map.TextOf("c")));
    }

    private static OvsdbDatum Parse(string text, OvsdbType type) => OvsdbDatum.Parse(JsonElement.Parse(text), type);

    private static JsonElement Written(OvsdbDatum datum)
    {
        using MemoryStream bytes = new();
        using (Utf8JsonWriter json = new(bytes)) datum.Write(json);
        return JsonElement.Parse(bytes.ToArray());
    }

    private static IEnumerable<(OvsdbColumn Column, JsonElement Value)> RecordedValues()
    {
        foreach ((string from, int _, bool _, JsonElement message) in RecordedOvsdb.Messages)
        {
            if (from is not ("vsctl" or "vswitchd") || !message.TryGetProperty("method", out JsonElement method) || method.GetString() != "update3") continue;
            foreach (JsonProperty table in message.GetProperty("params")[2].EnumerateObject())
            {
                OvsdbTable? known = VswitchTables.All.FirstOrDefault(t => t.Name == table.Name);
                foreach (JsonProperty row in table.Value.EnumerateObject())
                {
                    foreach (JsonProperty what in row.Value.EnumerateObject().Where(static w => w.Value.ValueKind == JsonValueKind.Object))
                    {
                        foreach (JsonProperty value in what.Value.EnumerateObject())
                        {
                            if (known is not null && known.TryFind(value.Name, out OvsdbColumn? column)) yield return (column, value.Value);
                        }
                    }
                }
            }
        }
    }
}
