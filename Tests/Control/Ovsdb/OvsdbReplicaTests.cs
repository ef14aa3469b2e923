using System.Text.Json;
using Mergeflow.Control.Ovsdb;
using Xunit;

namespace Mergeflow.Tests;

/// <summary>The copy of the tables, and what it says has changed.</summary>
public sealed class OvsdbReplicaTests
{
    private const string A = "00000000-0000-0000-0000-00000000000a";
    private const string B = "00000000-0000-0000-0000-00000000000b";

    private readonly OvsdbReplica _replica = new([new OvsdbTable("T", [new("name", OvsdbType.One(OvsdbAtomType.String)), new("ports", OvsdbType.Set(OvsdbAtomType.Integer)), new("seen", OvsdbType.One(OvsdbAtomType.Integer), IsOwn: true)])]);

    [Fact]
    public void Rows_come_change_and_go_by_differences()
    {
        Update2("""{"T":{"A":{"initial":{"name":"a","ports":["set",[1,2]]}},"B":{"insert":{}}}}""");
        Assert.Equal(2, _replica.TakeChanges().Count);
        Update2("""{"T":{"A":{"modify":{"ports":2}},"B":{"delete":null}}}""");
        OvsdbChange[] changes = [.. _replica.TakeChanges()];
        Assert.Equal(2, changes.Length);
        Assert.Equal([1L], _replica.Find("T", Guid.Parse(A))!.Integers("ports"));
        Assert.Equal([1L, 2L], changes.Single(static c => c.New is not null).Old!.Integers("ports"));
        Assert.Null(_replica.Find("T", Guid.Parse(B)));
    }

    [Fact]
    public void Rows_come_change_and_go_by_old_and_new()
    {
        Update("""{"T":{"A":{"new":{"name":"a","ports":["set",[]],"seen":1}}}}""");
        Update("""{"T":{"A":{"old":{"name":"a"},"new":{"name":"b","ports":["set",[]],"seen":1}}}}""");
        Assert.Equal("b", _replica.Find("T", Guid.Parse(A))!.Text("name"));
        Update("""{"T":{"A":{"old":{"name":"b","ports":["set",[]],"seen":1}}}}""");
        Assert.Empty(_replica.Rows("T"));
        Assert.Empty(_replica.TakeChanges());
    }

    [Fact]
    public void A_copy_that_begins_anew_tells_only_what_is_different()
    {
        Update2("""{"T":{"A":{"initial":{"name":"a"}},"B":{"initial":{"name":"b"}}}}""");
        _replica.TakeChanges();
        Update2("""{"T":{"A":{"initial":{"name":"a"}}}}""", isAll: true);
        OvsdbChange change = Assert.Single(_replica.TakeChanges());
        Assert.Equal((Guid.Parse(B), null), (change.Old!.Id, change.New));
    }

    [Fact]
    public void A_change_of_a_column_of_our_own_concerns_nobody()
    {
        Update2("""{"T":{"A":{"initial":{"name":"a"}}}}""");
        _replica.TakeChanges();
        Update2("""{"T":{"A":{"modify":{"seen":5}}}}""");
        Assert.False(Assert.Single(_replica.TakeChanges()).ConcernsOthersColumns);
        Update2("""{"T":{"A":{"modify":{"name":"b","seen":6}}}}""");
        Assert.True(Assert.Single(_replica.TakeChanges()).ConcernsOthersColumns);
    }

    [Theory]
    [InlineData("""{"T":{"A":{"initial":{"name":"x"}},"B":{"modify":{"name":"y"}}}}""")]
    [InlineData("""{"T":{"A":{"initial":{"name":"x"}},"B":{"initial":{"name":5}}}}""")]
    [InlineData("""{"T":{"A":{"initial":{"name":"x"}},"B":{"vanish":{}}}}""")]
    [InlineData("""{"T":{"A":{"initial":{"name":"x"}},"b":{"initial":{}}}}""")]
    public void An_update_is_taken_as_a_whole_or_not_at_all(string text)
    {
        Update2("""{"T":{"A":{"initial":{"name":"a"}}}}""");
        _replica.TakeChanges();
        Assert.Throws<OvsdbException>(() => Update2(text));
        Assert.Equal("a", _replica.Find("T", Guid.Parse(A))!.Text("name"));
        Assert.Empty(_replica.TakeChanges());
    }

    [Fact]
    public void What_is_wrong_is_one_line_whatever_the_server_has_said()
        => Assert.Equal("T: a row cannot be told to in  ert", Assert.Throws<OvsdbException>(() => Update2("""{"T":{"A":{"in\n\u0007ert":{}}}}""")).Message);

    private void Update2(string text, bool isAll = false) => _replica.Update2(Rows(text), isAll);

    private void Update(string text) => _replica.Update(Rows(text), isAll: false);

    /// <summary>Rows are called A and B in the texts.</summary>
    private static JsonElement Rows(string text) => JsonElement.Parse(text.Replace("\"A\"", $"\"{A}\"", StringComparison.Ordinal).Replace("\"B\"", $"\"{B}\"", StringComparison.Ordinal));
}
