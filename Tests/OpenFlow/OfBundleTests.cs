using System.Diagnostics;
using Mergeflow.Control.OpenFlow;
using Xunit;

namespace Mergeflow.Tests;

/// <summary>Bundles: all or nothing.</summary>
public sealed class OfBundleTests
{
    private const uint Id = 3;
    private const OfBundleFlags Both = OfBundleFlags.Atomic | OfBundleFlags.Ordered;

    private readonly PlainOfSwitch _switch = new();
    private readonly OfConnectionGroup _group = new();

    public static TheoryData<OfVersion> Versions => [OfVersion.V13, OfVersion.V14, OfVersion.V15];

    [Theory]
    [MemberData(nameof(Versions))]
    public void Nothing_happens_before_the_commit_and_all_at_it(OfVersion version)
    {
        var talk = new OfTalk(_switch, _group, version);
        Assert.Null(talk.ErrorOfBundle(Id, OfBundleCommand.OpenRequest, Both));
        Assert.Null(talk.ErrorOfAdding(Id, Both, OfTalk.Group("group_id=9,type=all,bucket=output:1")));
        Assert.Null(talk.ErrorOfAdding(Id, Both, OfTalk.Flow("udp,actions=group:9")));
        Assert.Null(talk.ErrorOfAdding(Id, Both, new OfPortMod { Kind = OfKind.PortMod, Port = 1, Mac = 0xaa55aa550002, Config = 1, Mask = 1 }));
        Assert.Empty(_switch.Rules(null));
        Assert.Empty(_switch.Groups);
        Assert.Null(talk.ErrorOfBundle(Id, OfBundleCommand.CloseRequest, Both));
        Assert.Null(talk.ErrorOfBundle(Id, OfBundleCommand.CommitRequest, Both));
        Assert.Single(_switch.Rules(null));
        Assert.Single(_switch.Groups);
        Assert.Equal(1u, _switch.Ports[0].Config);
    }

    [Theory]
    [MemberData(nameof(Versions))]
    public void One_that_is_refused_undoes_all(OfVersion version)
    {
        var talk = new OfTalk(_switch, _group, version);
        talk.Say(OfTalk.Flow("table=1,tcp,actions=output:1"));
        talk.Say(OfTalk.Group("group_id=1,type=all,bucket=output:1"));
        IReadOnlyList<OfRule> before = _switch.Rules(null);
        talk.ErrorOfBundle(Id, OfBundleCommand.OpenRequest, Both);
        OfMessage[] parts =
        [
            OfTalk.Flow("table=0", FlowModCommand.Delete), OfTalk.Flow("table=1", FlowModCommand.Delete), OfTalk.Group("group_id=9,type=all,bucket=output:1"),
            OfTalk.Group("group_id=1,type=all", GroupModCommand.Delete), OfTalk.Flow("udp,actions=group:9"), OfTalk.Flow("actions=group:10"),
        ];
        foreach (OfMessage part in parts) Assert.Null(talk.ErrorOfAdding(Id, Both, part));
        talk.Say(new OfBundleControl { Kind = OfKind.BundleControl, BundleId = Id, Flags = Both, Command = OfBundleCommand.CommitRequest });
        Assert.Equal(["OFPBAC_BAD_OUT_GROUP", "OFPBFC_MSG_FAILED"], talk.TakeErrors());
        Assert.Equal(before, _switch.Rules(null));
        Assert.Equal(1u, Assert.Single(_switch.Groups).GroupId);
        Assert.Equal("OFPBFC_BAD_ID", talk.ErrorOfBundle(Id, OfBundleCommand.CommitRequest, Both));
    }

    [Fact]
    public void Messages_in_bundles_take_a_bounded_number_of_bytes()
    {
        const int packetBytes = 1000;
        OfTalk talk = new(_switch, new OfConnectionGroup { MaxBundledBytes = 4 * packetBytes }, OfVersion.V14);
        OfPacketOut packet = new() { Kind = OfKind.PacketOut, Packet = new OfBytes(new byte[packetBytes]) };
        for (uint id = 1; id <= 3; id++) Assert.Null(talk.ErrorOfAdding(id, Both, packet));
        Assert.Equal("OFPBFC_MSG_TOO_MANY", talk.ErrorOfAdding(4, Both, packet));

        // What is given up makes room.
        Assert.Null(talk.ErrorOfBundle(2, OfBundleCommand.DiscardRequest, Both));
        Assert.Null(talk.ErrorOfAdding(3, Both, packet));
        Assert.Equal("OFPBFC_MSG_TOO_MANY", talk.ErrorOfAdding(3, Both, packet));
    }

    [Fact]
    public void Orders_that_do_not_fit_are_refused()
    {
        var talk = new OfTalk(_switch, _group, OfVersion.V14);
        Assert.Equal("OFPBFC_BAD_ID", talk.ErrorOfBundle(Id, OfBundleCommand.CloseRequest));
        Assert.Equal("OFPBFC_BAD_ID", talk.ErrorOfBundle(Id, OfBundleCommand.DiscardRequest));
        Assert.Equal("OFPBFC_BAD_FLAGS", talk.ErrorOfBundle(Id, OfBundleCommand.OpenRequest, (OfBundleFlags)8));
        Assert.Equal("OFPBFC_BAD_TYPE", talk.ErrorOfBundle(Id, OfBundleCommand.CommitReply));
        Assert.Null(talk.ErrorOfBundle(Id, OfBundleCommand.OpenRequest));
        Assert.Equal("OFPBFC_BAD_FLAGS", talk.ErrorOfAdding(Id, Both, OfTalk.Flow("actions=drop")));
        Assert.Equal("OFPBFC_MSG_UNSUP", talk.ErrorOfAdding(Id, OfBundleFlags.Atomic, new OfEmpty { Kind = OfKind.FeaturesRequest }));

        // A bundle that was spoken to in a wrong way is gone, as in Open vSwitch.
        Assert.Equal("OFPBFC_BAD_ID", talk.ErrorOfBundle(Id, OfBundleCommand.CloseRequest));
        Assert.Null(talk.ErrorOfBundle(Id, OfBundleCommand.OpenRequest));
        Assert.Equal("OFPBFC_BAD_ID", talk.ErrorOfBundle(Id, OfBundleCommand.OpenRequest));
        Assert.Null(talk.ErrorOfBundle(Id, OfBundleCommand.OpenRequest));
        Assert.Null(talk.ErrorOfBundle(Id, OfBundleCommand.CloseRequest));
        Assert.Equal("OFPBFC_BUNDLE_CLOSED", talk.ErrorOfAdding(Id, OfBundleFlags.Atomic, OfTalk.Flow("actions=drop")));
        Assert.Equal("OFPBFC_BAD_ID", talk.ErrorOfBundle(Id, OfBundleCommand.CloseRequest));
        Assert.Null(talk.ErrorOfBundle(Id, OfBundleCommand.OpenRequest));
        Assert.Null(talk.ErrorOfBundle(Id, OfBundleCommand.CloseRequest));
        Assert.Equal("OFPBFC_BUNDLE_CLOSED", talk.ErrorOfBundle(Id, OfBundleCommand.CloseRequest));
        for (uint i = 0; i < 16; i++) Assert.Null(talk.ErrorOfBundle(100 + i, OfBundleCommand.OpenRequest));
        Assert.Equal("OFPBFC_OUT_OF_BUNDLES", talk.ErrorOfBundle(1, OfBundleCommand.OpenRequest));
    }

    /// <summary>100,000 rules in one bundle: <c>MERGEFLOW_BUNDLE=100000</c>; a thousand otherwise.</summary>
    [Fact]
    public void A_large_bundle_is_one_change()
    {
        int count = int.TryParse(Environment.GetEnvironmentVariable("MERGEFLOW_BUNDLE"), out int wanted) ? wanted : 1000;
        var talk = new OfTalk(_switch, _group, OfVersion.V15);
        List<byte[]> messages = [];
        for (uint i = 0; i < count; i++)
        {
            OfFlowModMessage mod = OfTalk.Flow($"table={i % 8},priority={i % 100},tcp,nw_dst=10.{(i >> 16) & 255}.{(i >> 8) & 255}.{i & 255},tp_dst={i % 60000},actions=load:{i}->reg0,output:2") with { Xid = i };
            byte[] inner = OfCodec.Encode(mod, OfVersion.V15);
            messages.Add(OfCodec.Encode(new OfBundleAdd { Kind = OfKind.BundleAdd, Xid = i, BundleId = Id, Flags = Both, Message = new OfBytes(inner) }, OfVersion.V15));
        }

        var time = Stopwatch.StartNew();
        talk.ErrorOfBundle(Id, OfBundleCommand.OpenRequest, Both);
        foreach (byte[] message in messages) talk.Connection.Receive(message);
        TimeSpan read = time.Elapsed;
        Assert.Empty(talk.TakeErrors());
        Assert.Null(talk.ErrorOfBundle(Id, OfBundleCommand.CommitRequest, Both));
        Assert.Equal(count, _switch.Rules(null).Count);
        if (count > 1000) TestContext.Current.TestOutputHelper?.WriteLine($"{count} rules: {read.TotalSeconds:F2} s to read, {time.Elapsed.TotalSeconds:F2} s in all");
    }
}
