using System.Text.Json;
using Mergeflow.Control.Bridges;
using Mergeflow.Control.Ovsdb;
using Xunit;

namespace Mergeflow.Tests;

/// <summary>The client beside the real <c>ovsdb-server</c> and <c>ovs-vsctl</c>.</summary>
public sealed class OvsdbClientTests
{
    private readonly AutoResetEvent _wake = new(false);

    [Fact]
    public void The_tables_are_those_of_the_installed_schema()
    {
        Assert.SkipUnless(OvsdbServer.IsInstalled, "ovsdb-server is not installed");
        JsonElement tables = JsonElement.Parse(OvsdbServer.Schema).GetProperty("tables");
        foreach (OvsdbTable table in VswitchTables.All)
        {
            JsonElement columns = tables.GetProperty(table.Name).GetProperty("columns");
            foreach (OvsdbColumn column in table.Columns) Assert.Equal((table.Name, column.Name, TypeOf(columns.GetProperty(column.Name).GetProperty("type"))), (table.Name, column.Name, column.Type));
        }
    }

    [Fact]
    public void What_ovs_vsctl_sets_is_seen_and_what_is_written_ovs_vsctl_sees()
    {
        using OvsdbServer server = new();
        using OvsdbClient client = server.Client(_wake);
        OvsdbReplica replica = Replica(client);
        Until(client, () => client.Session is { IsSynchronized: true, HasLock: true });
        Assert.Equal("monitor_cond_since", client.Session.MonitorMethod);
        replica.TakeChanges();

        server.Vsctl("add-br", "br0", "--", "set", "bridge", "br0", "other-config:hwaddr=02:00:00:00:00:fe", "--", "add-port", "br0", "p1", "--", "set", "interface", "p1", "ofport_request=7");
        Until(client, () => replica.Rows("Interface").Count == 2);
        OvsdbRow bridge = Assert.Single(replica.Rows("Bridge"));
        Assert.Equal(("br0", "02:00:00:00:00:fe", 2), (bridge.Text("name"), bridge.Map("other_config")["hwaddr"], bridge.References("ports").Length));
        OvsdbRow port = replica.Rows("Interface").Single(static r => r.Text("name") == "p1");
        Assert.Equal((7L, null), (port.Integer("ofport_request"), port.Integer("ofport")));
        Assert.Contains(replica.TakeChanges(), static c => c.ConcernsOthersColumns);

        OvsdbTransaction transaction = new(VswitchTables.Database, VswitchTables.Lock);
        transaction.Update("Interface", port.Id, [new("ofport", OvsdbDatum.Of(OvsdbAtom.Of(7))), new("status", OvsdbDatum.TextMap([new("driver_name", "veth")]))]);
        string? error = "pending";
        client.Session.Transact(transaction, reply => error = OvsdbTransaction.ErrorOf(reply));
        Until(client, () => error != "pending");
        Assert.Null(error);
        Assert.Equal(("7", "{driver_name=veth}"), (server.Vsctl("get", "interface", "p1", "ofport"), server.Vsctl("get", "interface", "p1", "status")));

        // The write comes back as an update, and concerns nobody.
        OvsdbChange change = Assert.Single(replica.TakeChanges());
        Assert.False(change.ConcernsOthersColumns);
        Assert.Equal(7L, change.New!.Integer("ofport"));
    }

    [Fact]
    public void One_of_two_has_the_lock_and_the_other_gets_it_when_it_ends()
    {
        using OvsdbServer server = new();
        using OvsdbClient second = server.Client(_wake);
        using (OvsdbClient first = server.Client(_wake))
        {
            // The second may have come first; whoever did not waits.
            Until(second, () => first.Run(Environment.TickCount64) > 0 && first.Session.IsSynchronized && second.Session.IsSynchronized);
            Assert.True(first.Session.HasLock ^ second.Session.HasLock);
            Assert.True(first.Session.IsLockContended ^ second.Session.IsLockContended);
        }

        Until(second, () => second.Session.HasLock);
    }

    [Fact]
    public void A_server_that_comes_back_is_followed_again()
    {
        using OvsdbServer server = new();
        using OvsdbClient client = server.Client(_wake);
        OvsdbReplica replica = Replica(client);
        server.Vsctl("add-br", "br0");
        Until(client, () => client.Session.IsSynchronized && replica.Rows("Bridge").Count == 1);
        server.Stop();
        Until(client, () => !client.Session.IsSynchronized);
        Assert.Single(replica.Rows("Bridge"));
        Assert.False(client.Session.HasLock);
        replica.TakeChanges();
        server.Start();
        server.Vsctl("add-br", "br1");
        Until(client, () => client.Session is { IsSynchronized: true, HasLock: true } && replica.Rows("Bridge").Count == 2);
        Assert.DoesNotContain(replica.TakeChanges(), static c => c.New is { Table.Name: "Bridge" } row && row.Text("name") == "br0");
    }

    private static OvsdbReplica Replica(OvsdbClient client) => client.Session.Replica;

    private void Until(OvsdbClient client, Func<bool> condition) => Eventually.True(() =>
    {
        client.Run(Environment.TickCount64);
        if (condition()) return true;
        _wake.WaitOne(10);
        return false;
    }, "the client has come so far");

    private static OvsdbType TypeOf(JsonElement json)
    {
        if (json.ValueKind == JsonValueKind.String) return OvsdbType.One(AtomOf(json));
        OvsdbAtomType? value = json.TryGetProperty("value", out JsonElement v) ? AtomOf(v) : null;
        bool isOptional = json.TryGetProperty("min", out JsonElement min) && min.GetInt32() == 0;
        bool isMany = json.TryGetProperty("max", out JsonElement max) && (max.ValueKind == JsonValueKind.String || max.GetInt32() > 1);

        // A set with at least one element is empty here before it is known.
        return new OvsdbType(AtomOf(json.GetProperty("key")), value, isOptional || isMany, isMany);
    }

    private static OvsdbAtomType AtomOf(JsonElement json)
        => Enum.Parse<OvsdbAtomType>(json.ValueKind == JsonValueKind.String ? json.GetString()! : json.GetProperty("type").GetString()!, ignoreCase: true);
}
