using Mergeflow.Control.OpenFlow;
using Mergeflow.Engine.Keys;
using Mergeflow.Engine.Text;
using Mergeflow.Native;
using Xunit;

namespace Mergeflow.Tests;

/// <summary>Tables that take only so many flows, and their names.</summary>
public sealed class OfTableLimitTests
{
    private const string Full = "OFPFMFC_TABLE_FULL";

    private readonly PlainOfSwitch _switch = new();
    private readonly OfConnectionGroup _group = new();
    private readonly OfTalk _talk;

    public OfTableLimitTests() => _talk = new OfTalk(_switch, _group, OfVersion.V14);

    [Fact]
    public void A_full_table_refuses_what_is_new_and_takes_what_replaces()
    {
        Limit(2, evicts: false);
        Assert.Null(Add("table=3,in_port=1,actions=drop"));
        Assert.Null(Add("table=3,in_port=2,actions=drop"));
        Assert.Equal(Full, Add("table=3,in_port=3,actions=drop"));
        Assert.Null(Add("table=3,in_port=2,actions=output:1"));
        Assert.Null(Add("table=4,in_port=3,actions=drop"));
        Assert.Equal(3, _switch.Rules(null).Count);
    }

    [Fact]
    public void A_bundle_that_fills_a_table_changes_nothing()
    {
        Limit(2, evicts: false);
        Assert.Null(Add("table=3,in_port=1,actions=drop"));
        IReadOnlyList<OfRule> before = _switch.Rules(null);
        foreach (string flow in (string[])["table=3,in_port=2,actions=drop", "table=4,in_port=3,actions=drop", "table=3,in_port=3,actions=drop"]) _talk.ErrorOfAdding(1, OfBundleFlags.Atomic, OfTalk.Flow(flow));
        _talk.Say(new OfBundleControl { Kind = OfKind.BundleControl, BundleId = 1, Flags = OfBundleFlags.Atomic, Command = OfBundleCommand.CommitRequest });
        Assert.Equal([Full, "OFPBFC_MSG_FAILED"], _talk.TakeErrors());
        Assert.Equal(before, _switch.Rules(null));
    }

    [Fact]
    public void The_flow_of_least_importance_whose_time_is_up_first_makes_room()
    {
        Limit(3, evicts: true);
        Assert.Null(Add("table=3,in_port=1,importance=1,hard_timeout=30,actions=drop"));
        Assert.Null(Add("table=3,in_port=2,importance=1,hard_timeout=20,actions=drop"));
        Assert.Null(Add("table=3,in_port=3,importance=2,hard_timeout=10,actions=drop"));
        foreach ((uint port, uint[] left) in ((uint, uint[])[])[(4, [1, 3, 4]), (5, [3, 4, 5]), (6, [4, 5, 6])])
        {
            Assert.Null(Add($"table=3,in_port={port},actions=drop"));
            Assert.Equal(left, Ports);
        }

        Assert.Equal(Full, Add("table=3,in_port=7,actions=drop"));
    }

    [Fact]
    public void One_of_the_largest_group_goes()
    {
        Limit(4, evicts: true, "NXM_OF_ETH_SRC[0..7]");
        Assert.Null(Add("table=3,in_port=1,dl_src=02:00:00:00:00:01,idle_timeout=10,actions=drop"));
        Assert.Null(Add("table=3,in_port=2,dl_src=02:00:00:00:00:02,idle_timeout=20,actions=drop"));
        Assert.Null(Add("table=3,in_port=3,dl_src=04:00:00:00:00:02,idle_timeout=30,actions=drop"));
        Assert.Null(Add("table=3,in_port=4,actions=drop"));
        Assert.Null(Add("table=3,in_port=5,actions=drop"));
        Assert.Equal([1u, 3, 4, 5], Ports);
        Limit(3, evicts: true);
        Assert.Equal([3u, 4, 5], Ports);
    }

    [Fact]
    public void A_controller_may_have_flows_make_room()
    {
        Limit(1, evicts: false);
        Assert.Null(Add("table=3,in_port=1,hard_timeout=9,actions=drop"));
        Assert.Equal(Full, Add("table=3,in_port=2,hard_timeout=9,actions=drop"));
        Assert.Null(_talk.ErrorOf(new OfTableMod { Kind = OfKind.TableMod, Table = 3, Config = 4 }));
        Assert.Null(Add("table=3,in_port=2,hard_timeout=9,actions=drop"));
        Assert.Equal([2u], Ports);
    }

    [Fact]
    public void Names_are_the_databases_before_they_are_a_controllers()
    {
        _switch.Configure(new Dictionary<int, OfTableConfig> { [1] = new("one", null), [2] = new("", new TableLimit(7, false, EquatableList<Subfield>.Empty)) });
        Assert.Equal("OFPTFFC_EPERM", Name((2, "two"), (1, "other")));
        Assert.Equal("", _switch.Tables.NameOf(2));
        Assert.Null(Name((2, "two"), (1, "one")));
        Assert.Equal("OFPTFFC_BAD_TABLE", Name((254, "none")));
        OfTableFeatures[] tables = [.. _talk.Say(new OfOpaque { Kind = OfKind.TableFeaturesRequest }).Cast<OfTableFeaturesReply>().SelectMany(static r => r.Tables).Take(3)];
        Assert.Equal(["", "one", "two"], tables.Select(static t => t.Name));
        Assert.Equal([1_000_000u, 1_000_000, 7], tables.Select(static t => t.MaxEntries));
        _switch.Configure(new Dictionary<int, OfTableConfig>());
        Assert.Equal(("", "two"), (_switch.Tables.NameOf(1), _switch.Tables.NameOf(2)));
        Assert.Null(Name((1, "mine"), (2, "")));
        Assert.Equal(("mine", ""), (_switch.Tables.NameOf(1), _switch.Tables.NameOf(2)));
    }

    [Fact]
    public void What_packets_have_told_comes_before_the_answer_to_a_barrier()
    {
        _switch.Telling = () => _talk.Connection.OnPort(2, new OfPort { Number = 1, Name = "p1" });
        Assert.Equal([OfKind.PortStatus, OfKind.BarrierReply], _talk.Say(new OfOpaque { Kind = OfKind.BarrierRequest }).Select(static m => m.Kind));
    }

    [Fact]
    public void Before_OpenFlow_1_2_an_addition_resets_counters()
    {
        var old = new OfTalk(_switch, _group, OfVersion.V10);
        old.Say(OfTalk.Flow("table=0,check_overlap,in_port=1,actions=drop"));
        Assert.Equal(FlowModFlags.CheckOverlap | FlowModFlags.ResetCounts, Assert.Single(_switch.Rules(null)).Flags);
    }

    [Fact]
    public void A_packet_of_a_bundle_that_is_refused_undoes_it()
    {
        OfPacketOut packet = new() { Kind = OfKind.PacketOut, Actions = new EquatableList<OfAction>([new OfGroup(1)]), Packet = new OfBytes(new byte[14]) };
        MatchCodec.Set(ref packet.Metadata, FieldId.InPortOxm, 1);
        foreach (OfMessage part in (OfMessage[])[OfTalk.Group("group_id=1,type=all,bucket=output:1"), packet, packet with { Actions = new EquatableList<OfAction>([new OfGroup(2)]) }]) Assert.Null(_talk.ErrorOfAdding(1, OfBundleFlags.Atomic, part));
        _talk.Say(new OfBundleControl { Kind = OfKind.BundleControl, BundleId = 1, Flags = OfBundleFlags.Atomic, Command = OfBundleCommand.CommitRequest });
        Assert.Equal(["OFPBAC_BAD_OUT_GROUP", "OFPBFC_MSG_FAILED"], _talk.TakeErrors());
        Assert.Empty(_switch.Groups);
        Assert.Empty(_switch.Sent);
    }

    [Fact]
    public void A_bundle_is_given_up_when_nobody_has_touched_it_for_as_long_as_is_set()
    {
        _group.BundleIdleMs = 4000;
        Assert.Null(_talk.ErrorOfBundle(1, OfBundleCommand.OpenRequest));
        _talk.Come.Clear();
        _talk.Connection.Tick(ProcessClock.NowMs + 2000);
        Assert.Empty(_talk.TakeErrors());
        _talk.Connection.Tick(ProcessClock.NowMs + 5000);
        Assert.Equal(["OFPBFC_TIMEOUT"], _talk.TakeErrors());
    }

    [Fact]
    public void A_bundle_whose_time_is_up_is_gone_for_the_next_message_whoever_looks_first()
    {
        _group.BundleIdleMs = 1;
        Assert.Null(_talk.ErrorOfBundle(1, OfBundleCommand.OpenRequest));
        _talk.Come.Clear();
        SpinWait.SpinUntil(() => false, 20);
        _talk.Say(new OfBundleControl { Kind = OfKind.BundleControl, BundleId = 1, Flags = OfBundleFlags.Atomic, Command = OfBundleCommand.CommitRequest });
        Assert.Equal(["OFPBFC_TIMEOUT", "OFPBFC_BAD_ID"], _talk.TakeErrors());
    }

    [Theory]
    [InlineData(0u, null)]
    [InlineData(0x0001_0800u, "OFPBMC_BAD_FIELD")]
    public void Packets_are_Ethernet_frames(uint type, string? error)
    {
        const uint packetType = 0x8000_5804;
        var w = new OfWriter(OfVersion.V15);
        w.U16(1);
        w.U16(12);
        w.U32(packetType);
        w.U32(type);
        w.Zeros(4);
        Assert.Equal(error, ErrorOfReading(w.Written.ToArray()));
    }

    private static string? ErrorOfReading(byte[] match)
    {
        Match read = default;
        var reader = new OfReader(match, OfVersion.V15);
        try
        {
            OxmReader.Read(ref reader, ref read);
            return null;
        }
        catch (OfRefusal e)
        {
            return e.Error;
        }
    }

    private uint[] Ports => [.. _switch.Rules(null).Select(static r => r.Match.Value.Key.InPort.Host).Order()];

    private string? Add(string flow) => _talk.ErrorOf(OfTalk.Flow(flow));

    private string? Name(params (byte Table, string Name)[] names)
    {
        var w = new OfWriter(OfVersion.V14);
        foreach ((byte table, string name) in names)
        {
            var wire = new OfWire(w);
            OfList.Sized(ref wire, new OfTableFeatures { Table = table, Name = name }, static (OfTableFeatures t, ref OfWire o) => t.Exchange(ref o));
        }

        return _talk.ErrorOf(new OfOpaque { Kind = OfKind.TableFeaturesRequest, Body = new OfBytes(w.Written.ToArray()) });
    }

    private void Limit(int most, bool evicts, params string[] groups)
        => _switch.Configure(new Dictionary<int, OfTableConfig> { [3] = new("", new TableLimit(most, evicts, new EquatableList<Subfield>(groups.Select(SubfieldText.Parse)))) });
}
