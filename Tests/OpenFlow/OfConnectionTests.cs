using Mergeflow.Control.OpenFlow;
using Xunit;

namespace Mergeflow.Tests;

/// <summary>What a connection answers to what, without a socket.</summary>
public sealed class OfConnectionTests
{
    private readonly PlainOfSwitch _switch = new();
    private readonly OfConnectionGroup _group = new();

    public static TheoryData<OfVersion> Versions => [OfVersion.V10, OfVersion.V11, OfVersion.V12, OfVersion.V13, OfVersion.V14, OfVersion.V15];

    [Theory]
    [InlineData(OfVersion.V13, null, OfVersion.V13)]
    [InlineData(OfVersion.V15, 0b0001_0010u, OfVersion.V13)]
    [InlineData(OfVersion.V13, 0b0000_0010u, OfVersion.V10)]
    [InlineData((OfVersion)9, null, OfVersion.V15)]
    public void The_greatest_version_in_common_is_spoken(OfVersion header, uint? bitmap, OfVersion spoken)
    {
        var talk = new OfTalk(_switch, _group, OfVersion.V15, greets: false);
        byte[] hello = OfCodec.Encode(new OfHello { Kind = OfKind.Hello, Versions = bitmap }, OfVersion.V15);
        hello[0] = (byte)header;
        Assert.True(talk.Connection.Receive(hello));
        Assert.Equal(spoken, talk.Connection.Version);
        Assert.Empty(talk.Come);
    }

    [Fact]
    public void Without_a_version_in_common_the_connection_ends()
    {
        var talk = new OfTalk(_switch, _group, OfVersion.V15, greets: false);
        Assert.False(talk.Connection.Receive(OfCodec.Encode(new OfHello { Kind = OfKind.Hello, Versions = 1u << 20 }, OfVersion.V15)));
        Assert.Equal(["OFPHFC_INCOMPATIBLE"], talk.TakeErrors());
    }

    [Fact]
    public void Who_does_not_begin_with_hello_is_not_listened_to()
    {
        var talk = new OfTalk(_switch, _group, OfVersion.V13, greets: false);
        Assert.False(talk.Connection.Receive(OfCodec.Encode(new OfEmpty { Kind = OfKind.FeaturesRequest }, OfVersion.V13)));
        Assert.Empty(talk.Come);
    }

    [Theory]
    [MemberData(nameof(Versions))]
    public void Messages_come_in_any_pieces(OfVersion version)
    {
        var talk = new OfTalk(_switch, _group, version);
        byte[] bytes = [.. OfCodec.Encode(new OfOpaque { Kind = OfKind.EchoRequest, Xid = 5, Body = new OfBytes([1, 2, 3]) }, version), .. OfCodec.Encode(new OfEmpty { Kind = OfKind.BarrierRequest, Xid = 6 }, version)];
        foreach (byte b in bytes) Assert.True(talk.Connection.Receive([b]));
        Assert.Equal([OfKind.EchoReply, OfKind.BarrierReply], talk.Come.Select(static m => m.Kind));
        Assert.Equal([5u, 6u], talk.Come.Select(static m => m.Xid));
        Assert.Equal([1, 2, 3], ((OfOpaque)talk.Come[0]).Body.Span.ToArray());
    }

    [Fact]
    public void A_message_that_comes_byte_by_byte_is_not_copied_with_each()
    {
        const long mostBytes = 1 << 20;
        OfTalk talk = new(_switch, _group, OfVersion.V13);
        byte[] bytes = OfCodec.Encode(new OfOpaque { Kind = OfKind.EchoRequest, Xid = 5, Body = new OfBytes(new byte[65_000]) }, OfVersion.V13);
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < bytes.Length; i++) Assert.True(talk.Connection.Receive(bytes.AsSpan(i, 1)));
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, mostBytes);
        Assert.Equal(65_000, Assert.IsType<OfOpaque>(Assert.Single(talk.Come)).Body.Count);
    }

    [Fact]
    public void Messages_cut_anywhere_are_all_answered()
    {
        OfTalk talk = new(_switch, _group, OfVersion.V13);
        byte[] bytes = [.. Enumerable.Range(0, 40).SelectMany(static i => OfCodec.Encode(new OfOpaque { Kind = OfKind.EchoRequest, Xid = (uint)i, Body = new OfBytes(new byte[i]) }, OfVersion.V13))];
        for (int piece = 2; piece < 100; piece++)
        {
            talk.Come.Clear();
            for (int at = 0; at < bytes.Length; at += piece) Assert.True(talk.Connection.Receive(bytes.AsSpan(at, Math.Min(piece, bytes.Length - at))));
            Assert.Equal(Enumerable.Range(0, 40).Select(static i => (uint)i), talk.Come.Select(static m => m.Xid));
        }
    }

    [Theory]
    [MemberData(nameof(Versions))]
    public void Another_version_is_refused_and_the_connection_goes_on(OfVersion version)
    {
        var talk = new OfTalk(_switch, _group, version);
        OfVersion other = version == OfVersion.V10 ? OfVersion.V15 : OfVersion.V10;
        Assert.True(talk.Connection.Receive(OfCodec.Encode(new OfOpaque { Kind = OfKind.EchoRequest }, other)));
        Assert.Equal(["OFPBRC_BAD_VERSION"], talk.TakeErrors());
        Assert.Equal(OfKind.EchoReply, Assert.Single(talk.Say(new OfOpaque { Kind = OfKind.EchoRequest })).Kind);
    }

    [Fact]
    public void A_length_that_cannot_be_ends_the_connection()
    {
        var talk = new OfTalk(_switch, _group, OfVersion.V13);
        Assert.False(talk.Connection.Receive([4, 2, 0, 7, 0, 0, 0, 1]));
    }

    [Theory]
    [MemberData(nameof(Versions))]
    public void Flows_come_change_and_go(OfVersion version)
    {
        var talk = new OfTalk(_switch, _group, version);
        Assert.Null(talk.ErrorOf(OfTalk.Flow("table=0,priority=7,ip,nw_dst=10.0.0.0/8,actions=output:2")));
        Assert.Null(talk.ErrorOf(OfTalk.Flow("priority=7,ip,nw_dst=10.0.0.0/8,table=0,actions=output:1", FlowModCommand.ModifyStrict)));
        Assert.Contains("output:1", new FlowTextFormatter().FormatWithoutStats(Assert.Single(_switch.Rules(null))));
        Assert.Null(talk.ErrorOf(OfTalk.Flow("table=0,ip", FlowModCommand.Delete)));
        Assert.Empty(_switch.Rules(null));
    }

    [Theory]
    [InlineData(OfVersion.V10, 1)]
    [InlineData(OfVersion.V11, 1)]
    [InlineData(OfVersion.V13, 0)]
    [InlineData(OfVersion.V15, 0)]
    public void A_modification_that_finds_nothing_adds_in_old_versions(OfVersion version, int rules)
    {
        var talk = new OfTalk(_switch, _group, version);
        Assert.Null(talk.ErrorOf(OfTalk.Flow("table=0,cookie=5,udp,actions=output:1", FlowModCommand.Modify)));
        Assert.Equal(rules, _switch.Rules(null).Count);
        Assert.All(_switch.Rules(null), static r => Assert.Equal(5u, r.Cookie));
    }

    [Theory]
    [InlineData(OfVersion.V10, 6)]
    [InlineData(OfVersion.V13, 5)]
    public void A_modification_changes_cookies_in_the_oldest_version(OfVersion version, ulong cookie)
    {
        var talk = new OfTalk(_switch, _group, version);
        Assert.Null(talk.ErrorOf(OfTalk.Flow("table=0,cookie=5,udp,actions=output:1")));
        Assert.Null(talk.ErrorOf(OfTalk.Flow("table=0,cookie=6,udp,actions=output:2", FlowModCommand.Modify)));
        Assert.Equal(cookie, Assert.Single(_switch.Rules(null)).Cookie);
    }

    [Fact]
    public void What_is_refused_is_quoted()
    {
        var talk = new OfTalk(_switch, _group, OfVersion.V13);
        byte[] mod = OfCodec.Encode(OfTalk.Flow("actions=group:77") with { Xid = 9 }, OfVersion.V13);
        Assert.True(talk.Connection.Receive(mod));
        var error = Assert.IsType<OfErrorMessage>(Assert.Single(talk.Come));
        Assert.Equal(9u, error.Xid);
        Assert.Equal("OFPBAC_BAD_OUT_GROUP", error.Name(OfVersion.V13));
        Assert.Equal(mod, error.Body.Span[4..].ToArray());
    }

    [Fact]
    public void A_secondary_asks_and_changes_nothing()
    {
        (OfTalk first, OfTalk second) = (new(_switch, _group, OfVersion.V13), new(_switch, _group, OfVersion.V13));
        Assert.Equal(2u, Assert.IsType<OfRole>(Assert.Single(first.Say(Role(2, 10)))).Role);
        Assert.Equal(2u, Assert.IsType<OfRole>(Assert.Single(second.Say(Role(2, 11)))).Role);
        Assert.Equal(3u, first.Connection.Role);
        Assert.Equal(3u, Assert.IsType<OfRoleStatus>(first.Come[^1]).Role);
        Assert.Equal("OFPBRC_IS_SECONDARY", first.ErrorOf(OfTalk.Flow("actions=drop")));
        Assert.Null(first.ErrorOf(new OfEmpty { Kind = OfKind.FeaturesRequest }));
        Assert.Null(second.ErrorOf(OfTalk.Flow("actions=drop")));
        Assert.Equal("OFPRRFC_STALE", first.ErrorOf(Role(2, 9)));
        Assert.Equal(3u, first.Connection.Role);
    }

    [Fact]
    public void Packets_come_to_those_who_want_them()
    {
        (OfTalk equal, OfTalk secondary, OfTalk other) = (new(_switch, _group, OfVersion.V13), new(_switch, _group, OfVersion.V13), new(_switch, _group, OfVersion.V13));
        secondary.Say(Role(3, 1));
        other.Say(new OfNumber16 { Kind = OfKind.SetControllerId, IsNicira = true, Value = 7 });
        Tell(0);
        Assert.Equal((1, 0, 0), (Packets(equal), Packets(secondary), Packets(other)));
        Tell(7);
        Assert.Equal((0, 0, 1), (Packets(equal), Packets(secondary), Packets(other)));

        uint?[] masks = new uint?[OfAsyncConfig.KindCount * 2];
        (masks[0], masks[1]) = (0xff, 0);
        foreach (OfTalk talk in new[] { equal, secondary }) Assert.Null(talk.ErrorOf(new OfAsyncConfig { Kind = OfKind.SetAsync, Masks = new EquatableList<uint?>(masks) }));
        Tell(0);
        Assert.Equal((0, 1, 0), (Packets(equal), Packets(secondary), Packets(other)));

        void Tell(ushort id)
        {
            foreach (OfConnection connection in _group.All) connection.OnPacket(new OfPacketForController { Frame = new OfBytes(new byte[60]), ControllerId = id });
        }

        static int Packets(OfTalk talk)
        {
            int count = talk.Come.OfType<OfPacketIn>().Count();
            talk.Come.Clear();
            return count;
        }
    }

    [Fact]
    public void Who_watches_is_told_of_the_flows_that_it_selects()
    {
        _switch.Watch(_group);
        (OfTalk watcher, OfTalk other) = (new(_switch, _group, OfVersion.V15), new(_switch, _group, OfVersion.V13));
        other.Say(OfTalk.Flow("table=3,tcp,actions=output:1"));
        var monitor = new OfFlowMonitor { Id = 4, Table = 3, Flags = OfMonitorFlags.Initial | OfMonitorFlags.Add | OfMonitorFlags.Delete | OfMonitorFlags.Modify };
        var request = new OfFlowMonitorRequest { Kind = OfKind.FlowMonitorRequest, Monitors = new EquatableList<OfFlowMonitor>([monitor]) };
        Assert.Equal([OfFlowEvent.Initial], Told(watcher.Say(request)));
        Assert.Equal("OFPMOFC_MONITOR_EXISTS", watcher.ErrorOf(request));
        watcher.Come.Clear();
        other.Say(OfTalk.Flow("table=3,tcp,actions=output:2", FlowModCommand.Modify));
        other.Say(OfTalk.Flow("table=4,tcp,actions=output:2"));
        other.Say(OfTalk.Flow("table=3,udp,actions=output:2"));
        other.Say(OfTalk.Flow("table=3", FlowModCommand.Delete));
        Assert.Equal([OfFlowEvent.Modified, OfFlowEvent.Added, OfFlowEvent.Removed, OfFlowEvent.Removed], Told(watcher.Come));
        Assert.Equal([OfFlowEvent.Abbreviated], Told(watcher.Say(OfTalk.Flow("table=3,udp,actions=output:2"))));

        // An order that adds is told of as such, whatever was there; one that modifies and changes nothing is not.
        watcher.Come.Clear();
        other.Say(OfTalk.Flow("table=3,udp,actions=output:2"));
        other.Say(OfTalk.Flow("table=3,udp,actions=output:1"));
        other.Say(OfTalk.Flow("table=3,udp,actions=output:1", FlowModCommand.Modify));
        Assert.Equal([OfFlowEvent.Added, OfFlowEvent.Added], Told(watcher.Come));

        static IEnumerable<OfFlowEvent> Told(IEnumerable<OfMessage> come) => come.OfType<OfFlowMonitorReply>().SelectMany(static r => r.Updates).Select(static u => u.Event);
    }

    [Theory]
    [InlineData(0, 64, 0x102, 8, "NXTTMFC_BAD_FIELD_IDX")]
    [InlineData(0, 1, 0x102, 6, "NXTTMFC_BAD_OPT_LEN")]
    [InlineData(0, 1, 0x102, 0, null)]
    [InlineData(0, 0, 0x103, 4, "NXTTMFC_ALREADY_MAPPED")]
    [InlineData(0, 1, 0x101, 4, "NXTTMFC_ALREADY_MAPPED")]
    [InlineData(0, 1, 0x102, 8, null)]
    [InlineData(3, 1, 0x102, 8, "NXTTMFC_BAD_COMMAND")]
    public void Options_have_one_field_each(ushort command, ushort index, ushort kind, byte length, string? error)
    {
        var talk = new OfTalk(_switch, _group, OfVersion.V13);
        Assert.Null(talk.ErrorOf(Map(0, 0, 0x101, 4)));
        byte[] bytes = OfCodec.Encode(Map(0, index, kind, length), OfVersion.V13);
        bytes[17] = (byte)command;
        talk.Connection.Receive(bytes);
        Assert.Equal(error, talk.TakeErrors().FirstOrDefault());
        Assert.Equal(error is null ? 2 : 1, _switch.Tlvs.Maps.Count);

        static OfTlvTableMod Map(ushort command, ushort index, ushort kind, byte length) => new()
        {
            Kind = OfKind.TlvTableMod,
            IsNicira = true,
            Command = command,
            Maps = new EquatableList<OfTlvMap>([new OfTlvMap { Class = (ushort)(kind >> 8), Type = (byte)kind, Index = index, LengthBytes = length }]),
        };
    }

    private static OfRole Role(uint role, ulong generation) => new() { Kind = OfKind.RoleRequest, Role = role, GenerationId = generation };
}
