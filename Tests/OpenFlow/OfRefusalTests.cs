using Mergeflow.Control.OpenFlow;
using Xunit;

namespace Mergeflow.Tests;

/// <summary>What Open vSwitch refuses, found by saying the same to both (Tests/Live/ovstalk.py).</summary>
public sealed class OfRefusalTests
{
    private readonly PlainOfSwitch _switch = new();

    [Theory]
    [InlineData("table=254,in_port=1,actions=drop")]
    [InlineData("dp_hash=0x1/0xf,actions=drop")]
    public void A_modification_is_held_to_what_the_switch_keeps_for_itself(string flow)
    {
        foreach (OfVersion version in (OfVersion[])[OfVersion.V12, OfVersion.V15])
        {
            OfTalk talk = Talk(version);
            foreach (FlowModCommand command in (FlowModCommand[])[FlowModCommand.Add, FlowModCommand.Modify, FlowModCommand.ModifyStrict]) Assert.Equal("OFPBRC_EPERM", talk.ErrorOf(OfTalk.Flow(flow, command)));
        }

        Assert.Empty(_switch.Rules(null));
    }

    [Fact]
    public void A_cookie_may_be_all_ones()
    {
        foreach (OfVersion version in (OfVersion[])[OfVersion.V10, OfVersion.V11, OfVersion.V15])
        {
            OfFlowModMessage add = OfTalk.Flow("in_port=1,actions=drop");
            add.Mod = With(add.Mod, ulong.MaxValue);
            Assert.Null(Talk(version).ErrorOf(add));
            Assert.Equal(ulong.MaxValue, Assert.Single(_switch.Rules(null)).Cookie);
        }
    }

    [Theory]
    [InlineData("group_id=1,type=all,bucket=watch_port:1,output:2")]
    [InlineData("group_id=1,type=indirect,bucket=watch_group:2,output:2")]
    public void Buckets_of_groups_that_look_at_nothing_watch_nothing(string group)
    {
        foreach (OfVersion version in (OfVersion[])[OfVersion.V11, OfVersion.V15]) Assert.Equal("OFPGMFC_WATCH_UNSUPPORTED", Talk(version).ErrorOf(OfTalk.Group(group)));
        Assert.Empty(_switch.Groups);
    }

    [Fact]
    public void The_last_table_cannot_be_modified()
    {
        Assert.Equal("OFPTMFC_EPERM", Talk(OfVersion.V14).ErrorOf(new OfTableMod { Kind = OfKind.TableMod, Table = 254, Config = 4 }));
    }

    [Fact]
    public void A_meter_of_two_units_is_refused_before_it_is_looked_for()
    {
        MeterMod mod = new(MeterModCommand.Modify, 7, MeterFlags.Kbps | MeterFlags.PacketRate, EquatableList<MeterBand>.Empty);
        Assert.Equal("OFPMMFC_BAD_FLAGS", Talk(OfVersion.V13).ErrorOf(new OfMeterModMessage { Kind = OfKind.MeterMod, Mod = mod }));
    }

    [Theory]
    [InlineData(OfVersion.V10, 0xfffeu)]
    [InlineData(OfVersion.V12, 0xfffeu)]
    [InlineData(OfVersion.V10, 0xffffu)]
    public void Queues_of_such_a_port_are_not_told(OfVersion version, uint port)
    {
        Assert.Equal("OFPQOFC_BAD_PORT", Talk(version).ErrorOf(new OfQueueConfig { Kind = OfKind.QueueGetConfigRequest, Port = port }));
    }

    [Fact]
    public void A_bundle_whose_port_is_not_there_changes_no_flow()
    {
        OfTalk talk = Talk(OfVersion.V14);
        Assert.Null(talk.ErrorOfAdding(1, OfBundleFlags.Atomic, OfTalk.Flow("in_port=1,actions=drop")));
        Assert.Null(talk.ErrorOfAdding(1, OfBundleFlags.Atomic, new OfPortMod { Kind = OfKind.PortMod, Port = 77 }));
        talk.Say(new OfBundleControl { Kind = OfKind.BundleControl, BundleId = 1, Flags = OfBundleFlags.Atomic, Command = OfBundleCommand.CommitRequest });
        Assert.Equal(["OFPPMFC_BAD_PORT", "OFPBFC_MSG_FAILED"], talk.TakeErrors());
        Assert.Empty(_switch.Rules(null));
    }

    [Fact]
    public void Capabilities_and_actions_of_groups_are_those_of_the_version()
    {
        foreach ((OfVersion version, uint capabilities, uint actions) in ((OfVersion, uint, uint)[])[(OfVersion.V11, 0xcf, 0x01ff_e7ff), (OfVersion.V13, 0x4f, 0x03ff_8001)])
        {
            OfTalk talk = Talk(version);
            Assert.Equal(capabilities, Assert.IsType<OfFeatures>(Assert.Single(talk.Say(new OfEmpty { Kind = OfKind.FeaturesRequest }))).Capabilities);
            Assert.Equal(actions, Assert.IsType<OfGroupFeatures>(Assert.Single(talk.Say(new OfEmpty { Kind = OfKind.GroupFeaturesRequest, IsNicira = version == OfVersion.V11 }))).Actions[0]);
        }
    }

    /// <summary>How long a message is counts before what is in it, and what it is before both.</summary>
    [Theory]
    [InlineData(OfVersion.V14, "0521001400000007000000010000000000000000", "OFPBRC_BAD_LEN")]
    [InlineData(OfVersion.V12, "030e005400000006000000000000000000000000000000000002000000000000ffffffffffffffffffffffff000000000001000a80000a0208000000000400180000000000000010fffffffdffff040000000000", "OFPBRC_BAD_LEN")]
    [InlineData(OfVersion.V13, "0412001800000002000d0000000000000000000000000000", "OFPBRC_BAD_LEN")]
    [InlineData(OfVersion.V14, "050a002000000004000d000000000000000000000000b7eb00000000cf00fe00", "OFPBRC_BAD_TYPE")]
    [InlineData(OfVersion.V14, "0500001000000004000d000000000000", "OFPBRC_BAD_TYPE")]
    [InlineData(OfVersion.V13, "0413001000000004000d000000000000", "OFPBRC_BAD_TYPE")]
    [InlineData(OfVersion.V13, "0416001000000002ffff000900000000", "OFPBAC_BAD_OUT_PORT")]
    [InlineData(OfVersion.V14, "0522001800000006000000000000000300000006ffffffff", "OFPBFC_BAD_VERSION")]
    public void A_message_is_refused_as_Open_vSwitch_refuses_it(OfVersion version, string bytes, string error)
    {
        OfTalk talk = Talk(version);
        Assert.True(talk.Connection.Receive(Convert.FromHexString(bytes)));
        Assert.Equal([error], talk.TakeErrors());
    }

    /// <summary>Of a flow the match is read first, then the command, the actions and the flags.</summary>
    [Fact]
    public void What_is_wrong_with_a_flow_first_is_said()
    {
        OfTalk talk = Talk(OfVersion.V14);
        OfFlowModMessage flow = OfTalk.Flow("in_port=1,actions=output:1");
        byte[] bytes = OfCodec.Encode(flow with { Xid = 5 }, OfVersion.V14);
        (bytes[25], bytes[45]) = (9, 0xff);
        talk.Connection.Receive(bytes);
        Assert.Equal(["OFPFMFC_BAD_COMMAND"], talk.TakeErrors());
        bytes[25] = 0;
        talk.Connection.Receive(bytes);
        Assert.Equal(["OFPFMFC_BAD_FLAGS"], talk.TakeErrors());
        bytes[^1] = bytes[^8] = 1;
        bytes[52] = 0xff;
        talk.Connection.Receive(bytes);
        Assert.StartsWith("OFPBMC_", Assert.Single(talk.TakeErrors()), StringComparison.Ordinal);
        Assert.Empty(_switch.Rules(null));
    }

    [Fact]
    public void A_flow_for_a_packet_in_a_buffer_is_refused()
    {
        foreach (OfVersion version in (OfVersion[])[OfVersion.V10, OfVersion.V13])
        {
            OfFlowModMessage flow = OfTalk.Flow("in_port=1,actions=output:1");
            flow.Mod = With(flow.Mod, 0);
            flow.BufferId = 5;
            Assert.Equal("OFPBRC_BUFFER_UNKNOWN", Talk(version).ErrorOf(flow));
        }

        Assert.Empty(_switch.Rules(null));
    }

    [Fact]
    public void Reasons_that_a_version_does_not_know_are_neither_told_nor_taken()
    {
        foreach ((OfVersion version, uint reasons) in ((OfVersion, uint)[])[(OfVersion.V13, 3), (OfVersion.V14, 0x3b)])
        {
            OfTalk talk = Talk(version);
            Assert.Equal(reasons, Assert.IsType<OfAsyncConfig>(Assert.Single(talk.Say(new OfEmpty { Kind = OfKind.GetAsyncRequest }))).Masks[1]);
        }

        uint?[] masks = new uint?[OfAsyncConfig.KindCount * 2];
        masks[1] = 0x40;
        Assert.Equal("OFPACFC_INVALID", Talk(OfVersion.V14).ErrorOf(new OfAsyncConfig { Kind = OfKind.SetAsync, Masks = new EquatableList<uint?>(masks) }));
    }

    [Fact]
    public void The_flows_of_the_last_table_cannot_be_deleted()
    {
        Assert.Equal("OFPBRC_EPERM", Talk(OfVersion.V13).ErrorOf(OfTalk.Flow("table=254", FlowModCommand.Delete)));
        Assert.Null(Talk(OfVersion.V13).ErrorOf(OfTalk.Flow("table=254,in_port=1", FlowModCommand.Delete)));
    }

    /// <summary>From the fields that can be left open to what becomes of packets that no flow matches.</summary>
    [Fact]
    public void OpenFlow_1_1_tells_what_tables_can_do()
    {
        EquatableList<OfTableStats> tables = Assert.IsType<OfTableReply>(Assert.Single(Talk(OfVersion.V11).Say(new OfEmpty { Kind = OfKind.TableRequest }))).Tables;
        Assert.Equal("0000fbff0000fbff0000003e01ffe7ff01ffe7ff00000000", Convert.ToHexStringLower(tables[0].Capabilities.Span));
        Assert.Equal("0000fbff0000fbff0000003c01ffe7ff01ffe7ff00000000", Convert.ToHexStringLower(tables[^1].Capabilities.Span));
    }

    private static FlowMod With(FlowMod mod, ulong cookie) => new() { Command = mod.Command, Table = 0, NewCookie = cookie, Match = mod.Match, Actions = mod.Actions };

    private OfTalk Talk(OfVersion version) => new(_switch, new OfConnectionGroup(), version);
}
