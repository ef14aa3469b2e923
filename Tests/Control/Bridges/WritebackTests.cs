using System.Text.Json;
using Mergeflow.Control.Bridges;
using Mergeflow.Control.Ovsdb;
using Xunit;

namespace Mergeflow.Tests;

/// <summary>What is to stand in the database against what stands there.</summary>
public sealed class WritebackTests
{
    private const string Row = "00000000-0000-0000-0000-00000000000a";

    private readonly OvsdbReplica _replica = new(VswitchTables.All);
    private readonly Writeback _wanted = new();

    public WritebackTests()
    {
        _replica.Update2(JsonElement.Parse($"{{\"Interface\":{{\"{Row}\":{{\"initial\":{{\"name\":\"p1\",\"ofport\":1,\"mtu\":1500}}}}}}}}"), isAll: true);
        _wanted.Set(VswitchTables.Interface, Guid.Parse(Row), "ofport", 1);
        _wanted.Set(VswitchTables.Interface, Guid.Parse(Row), "error", (string?)null);
    }

    [Fact]
    public void What_stands_there_is_not_written_again() => Assert.Null(_wanted.Against(_replica, static (_, _) => true));

    [Fact]
    public void What_is_different_is_written_and_nothing_else()
    {
        _wanted.Set(VswitchTables.Interface, Guid.Parse(Row), "mtu", 1400);
        Assert.Contains("\"row\":{\"mtu\":1400}}", Text(), StringComparison.Ordinal);
        _wanted.Set(VswitchTables.Interface, Guid.Parse(Row), "mtu", (long?)null);
        Assert.Contains("\"row\":{\"mtu\":[\"set\",[]]}}", Text(), StringComparison.Ordinal);
    }

    [Fact]
    public void A_row_that_is_gone_and_a_column_that_an_older_server_has_not_are_left_out()
    {
        _wanted.Set(VswitchTables.Interface, Guid.NewGuid(), "ofport", 7);
        _wanted.Set(VswitchTables.Interface, Guid.Parse(Row), "link_state", "up");
        Assert.Null(_wanted.Against(_replica, static (_, column) => column != "link_state"));
        Assert.Contains("\"row\":{\"link_state\":\"up\"}}", Text(), StringComparison.Ordinal);
    }

    private string Text() => Assert.IsType<OvsdbTransaction>(_wanted.Against(_replica, static (_, _) => true)).Params().GetRawText();
}
