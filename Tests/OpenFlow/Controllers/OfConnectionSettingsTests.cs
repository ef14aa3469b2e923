using Mergeflow.Control.OpenFlow;
using Xunit;

namespace Mergeflow.Tests;

/// <summary>What the settings of a controller do to its connection, without a socket.</summary>
public sealed class OfConnectionSettingsTests
{
    private readonly PlainOfSwitch _switch = new();
    private readonly OfConnectionGroup _group = new();

    [Theory]
    [InlineData(0b111_1110u, "0600000800000001")]
    [InlineData(0b000_0010u, "0100000800000001")]
    [InlineData(0b001_0010u, "040000100000000100010008" + "00000012")]
    [InlineData(0b001_0000u, "040000100000000100010008" + "00000010")]
    public void Hello_says_which_versions(uint versions, string hex)
    {
        BytesSink sink = new();
        new OfConnection(_switch, sink, _group, new OfControllerSettings { Versions = versions }).Open();
        Assert.Equal(hex, Convert.ToHexStringLower(sink.Bytes.ToArray()));
    }

    [Fact]
    public void Only_versions_that_are_allowed_are_spoken()
    {
        BytesSink sink = new();
        OfConnection connection = new(_switch, sink, _group, new OfControllerSettings { Versions = 0b001_0000 });
        connection.Open();
        sink.Bytes.Clear();
        Assert.False(connection.Receive(OfCodec.Encode(new OfHello { Kind = OfKind.Hello }, OfVersion.V10)));
        Assert.False(connection.IsGreeted);
        OfErrorMessage error = Assert.IsType<OfErrorMessage>(OfCodec.Decode(sink.Bytes.ToArray()));
        Assert.Equal("OFPHFC_INCOMPATIBLE", error.Name(OfVersion.V10));
        Assert.Equal("We support version 0x04, you support version 0x01, no common versions.", System.Text.Encoding.ASCII.GetString(error.Body.Span[4..]));
    }

    [Theory]
    [InlineData(false, true, 0, true)]
    [InlineData(false, false, 0, false)]
    [InlineData(true, true, 0, false)]
    [InlineData(true, true, 64, true)]
    public void A_service_is_told_of_nothing_unless_it_has_asked(bool isService, bool hasAsync, int missSendLength, bool isTold)
    {
        OfTalk talk = Talk(new OfControllerSettings { IsService = isService, HasAsyncMessages = hasAsync }, OfVersion.V13);
        if (missSendLength != 0) Assert.Empty(talk.Say(new OfSwitchConfig { Kind = OfKind.SetConfig, MissSendLength = (ushort)missSendLength }));
        talk.Connection.OnPacket(new OfPacketForController { Frame = new OfBytes(new byte[60]) });
        talk.Connection.OnPort(0, new OfPort { Number = 9, Name = "p9" });
        Assert.Equal(isTold ? [OfKind.PacketIn, OfKind.PortStatus] : [], talk.Come.Select(static m => m.Kind));
    }

    [Theory]
    [InlineData(OfVersion.V10, 0, true)]
    [InlineData(OfVersion.V12, 7, true)]
    [InlineData(OfVersion.V13, 7, false)]
    [InlineData(OfVersion.V13, 6, true)]
    [InlineData(OfVersion.V13, 2, false)]
    [InlineData(OfVersion.V14, 3, true)]
    public void Versions_begin_with_their_own_reasons(OfVersion version, byte reason, bool isTold)
    {
        OfTalk talk = Talk(new OfControllerSettings(), version);
        talk.Connection.OnPacket(new OfPacketForController { Frame = new OfBytes(new byte[60]), Reason = reason });
        Assert.Equal(isTold ? 1 : 0, talk.Come.Count);
    }

    [Fact]
    public void All_of_a_packet_is_sent_whatever_the_action_asks_for()
    {
        OfTalk talk = Talk(new OfControllerSettings(), OfVersion.V13);
        talk.Connection.OnPacket(new OfPacketForController { Frame = new OfBytes(new byte[1000]), MaxLengthBytes = 64 });
        Assert.Equal(1000, Assert.IsType<OfPacketIn>(Assert.Single(talk.Come)).Packet.Count);
    }

    [Fact]
    public void Packets_come_at_the_rate_that_was_set()
    {
        OfTalk talk = Talk(new OfControllerSettings { RateLimit = 100, BurstLimit = 10 }, OfVersion.V13);
        for (int i = 0; i < 50; i++) talk.Connection.OnPacket(new OfPacketForController { Frame = new OfBytes(new byte[60]) });
        SortedDictionary<string, string> pairs = [];
        talk.Connection.AddSchedule(pairs);
        int sent = talk.Come.Count, waiting = int.Parse(pairs["packet-in-action-backlog"], System.Globalization.CultureInfo.InvariantCulture);
        Assert.InRange(sent, 10, 49);
        Assert.InRange(waiting, 1, 10);
        Assert.Equal($"{50 - sent - waiting}", pairs["packet-in-action-dropped"]);
        Assert.Equal("0", pairs["packet-in-miss-queued"]);
        talk.Connection.Tick(Mergeflow.Native.ProcessClock.NowMs + 60_000);
        Assert.Equal(sent + waiting, talk.Come.Count);
    }

    [Fact]
    public void A_bundle_that_nobody_touches_is_given_up()
    {
        OfTalk talk = Talk(new OfControllerSettings(), OfVersion.V14);
        Assert.Null(talk.ErrorOfBundle(7, OfBundleCommand.OpenRequest));
        talk.Connection.Tick(Mergeflow.Native.ProcessClock.NowMs + 5_000);
        Assert.DoesNotContain(talk.TakeErrors(), static e => e is not null);
        talk.Connection.Tick(Mergeflow.Native.ProcessClock.NowMs + 20_000);
        Assert.Equal(["OFPBFC_TIMEOUT"], talk.TakeErrors());
        Assert.Equal("OFPBFC_BAD_ID", talk.ErrorOfBundle(7, OfBundleCommand.CloseRequest));
    }

    [Fact]
    public void Fragments_are_handled_as_was_said_and_the_length_is_ones_own()
    {
        (OfTalk first, OfTalk second) = (Talk(new OfControllerSettings(), OfVersion.V13), Talk(new OfControllerSettings { IsService = true }, OfVersion.V10));
        first.Say(new OfSwitchConfig { Kind = OfKind.SetConfig, Flags = 3, MissSendLength = 77 });
        Assert.Equal((3, 77), Config(first));
        Assert.Equal((3, 0), Config(second));
        Assert.Equal("OFPSCFC_BAD_FLAGS", first.ErrorOf(new OfSwitchConfig { Kind = OfKind.SetConfig, Flags = 8 }));

        static (int Flags, int Length) Config(OfTalk talk)
        {
            OfSwitchConfig config = Assert.IsType<OfSwitchConfig>(Assert.Single(talk.Say(new OfEmpty { Kind = OfKind.GetConfigRequest })));
            return (config.Flags, config.MissSendLength);
        }
    }

    [Fact]
    public void Tables_keep_what_is_said_of_them()
    {
        OfTalk talk = Talk(new OfControllerSettings(), OfVersion.V14);
        Assert.Null(talk.ErrorOf(Mod(3, 12, [0, 3, 0, 8, 20, 80, 0, 0])));
        OfTableDescReply reply = Assert.IsType<OfTableDescReply>(Assert.Single(talk.Say(new OfEmpty { Kind = OfKind.TableDescRequest })));
        Assert.Equal((12u, 0u), (reply.Tables[3].Config, reply.Tables[2].Config));
        Assert.Equal([0, 2, 0, 8, 0, 0, 0, 7, 0, 3, 0, 8, 20, 80, 100, 0], reply.Tables[3].Properties.Span.ToArray());
        Assert.Equal("OFPBPC_BAD_VALUE", talk.ErrorOf(Mod(3, 8, [0, 3, 0, 8, 81, 80, 0, 0])));
        Assert.Equal("OFPTMFC_BAD_CONFIG", talk.ErrorOf(Mod(3, 4, [0, 2, 0, 8, 0, 0, 0, 1])));
        Assert.Equal("OFPTMFC_EPERM", talk.ErrorOf(Mod(254, 4, [])));

        static OfTableMod Mod(byte table, uint config, byte[] properties) => new() { Kind = OfKind.TableMod, Table = table, Config = config, Properties = new OfBytes(properties) };
    }

    /// <summary>The flow that matches all, <c>priority=0,actions=CONTROLLER</c>, has a reason of its own (6).</summary>
    [Theory]
    [InlineData(1u, 0, true)]
    [InlineData(1u, 6, true)]
    [InlineData(1u, 1, false)]
    [InlineData(2u, 6, false)]
    [InlineData(2u, 1, true)]
    public void Who_wants_packets_that_no_flow_matches_gets_those_of_the_flow_that_matches_all(uint wanted, byte reason, bool comes)
    {
        OfTalk talk = Talk(new OfControllerSettings(), OfVersion.V13);
        uint?[] masks = new uint?[OfAsyncConfig.KindCount * 2];
        masks[1] = wanted;
        Assert.Null(talk.ErrorOf(new OfAsyncConfig { Kind = OfKind.SetAsync, Masks = new EquatableList<uint?>(masks) }));
        talk.Connection.OnPacket(new OfPacketForController { Frame = new OfBytes(new byte[60]), Reason = reason });
        Assert.Equal(comes, talk.Come.OfType<OfPacketIn>().Any());
    }

    [Fact]
    public void What_one_does_to_groups_and_meters_is_told_to_those_who_want_to_know()
    {
        (OfTalk doer, OfTalk watcher, OfTalk other) = (Talk(new OfControllerSettings(), OfVersion.V13), Talk(new OfControllerSettings(), OfVersion.V15), Talk(new OfControllerSettings(), OfVersion.V15));
        uint?[] masks = new uint?[OfAsyncConfig.KindCount * 2];
        masks[11] = 3;
        Assert.Null(watcher.ErrorOf(new OfAsyncConfig { Kind = OfKind.SetAsync, Masks = new EquatableList<uint?>(masks) }));
        Assert.Null(doer.ErrorOf(OfTalk.Group("group_id=5,type=all,bucket=output:1")));
        Assert.Equal("OFPGMFC_GROUP_EXISTS", doer.ErrorOf(OfTalk.Group("group_id=5,type=all,bucket=output:1")));
        Assert.Null(doer.ErrorOf(new OfMeterModMessage { Kind = OfKind.MeterMod, Mod = Assert.Single(FlowTextParser.ParseMeters("add meter=3 pktps bands=type=drop rate=9")) }));
        OfMessage[] told = [.. watcher.Come.Cast<OfRequestForward>().Select(static r => OfCodec.Decode(r.Request.Span))];
        Assert.Equal((5u, 3u), (Assert.IsType<OfGroupModMessage>(told[0]).Mod.GroupId, Assert.IsType<OfMeterModMessage>(told[1]).Mod.MeterId));
        Assert.Equal(2, told.Length);
        Assert.Empty(other.Come);
    }

    [Fact]
    public void A_port_that_changes_in_a_way_that_a_version_cannot_say_has_not_changed_for_it()
    {
        (OfTalk old, OfTalk now) = (Talk(new OfControllerSettings(), OfVersion.V10), Talk(new OfControllerSettings(), OfVersion.V14));
        OfPort before = new() { Number = 3, Name = "p3", Mac = 1 }, after = before with { State = 4 };
        foreach (OfConnection connection in _group.All) connection.OnPort(2, after, before);
        Assert.Equal((0, 1), (old.Come.Count, now.Come.Count));
    }

    private OfTalk Talk(OfControllerSettings settings, OfVersion version) => new(_switch, _group, version, settings: settings);

    private sealed class BytesSink : IOfSink
    {
        public List<byte> Bytes { get; } = [];

        public void Send(ReadOnlySpan<byte> messages) => Bytes.AddRange(messages);

        public bool TrySend(ReadOnlySpan<byte> message)
        {
            Bytes.AddRange(message);
            return true;
        }
    }
}
