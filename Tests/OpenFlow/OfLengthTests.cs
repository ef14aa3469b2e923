using Mergeflow.Control.OpenFlow;
using Xunit;

namespace Mergeflow.Tests;

/// <summary>A message has at most 65,535 bytes: what is longer, and who has made it so, must not end a connection, let alone the switch.</summary>
public sealed class OfLengthTests
{
    private readonly PlainOfSwitch _switch = new();
    private readonly OfConnectionGroup _group = new();

    public static TheoryData<OfVersion, uint> Formats
    {
        get
        {
            TheoryData<OfVersion, uint> rows = [];
            foreach (OfVersion version in (OfVersion[])[OfVersion.V10, OfVersion.V11, OfVersion.V12, OfVersion.V13, OfVersion.V14, OfVersion.V15])
            {
                for (uint format = 0; format <= 2; format++) rows.Add(version, format);
            }

            return rows;
        }
    }

    [Theory]
    [MemberData(nameof(Formats))]
    public void A_super_frame_for_a_controller_is_told_of_by_its_beginning(OfVersion version, uint format)
    {
        const int length = 65_530, mostBesides = 200;
        OfTalk talk = new(_switch, _group, version);
        Assert.Null(talk.ErrorOf(new OfNumber { Kind = OfKind.SetPacketInFormat, Value = format }));
        byte[] frame = [.. Enumerable.Range(0, length).Select(static i => (byte)(i / 3))];
        talk.Connection.OnPacket(new OfPacketForController { Frame = new OfBytes(frame), Table = 3 });
        (OfBytes shown, uint? all) = Assert.Single(talk.Come) switch
        {
            OfPacketIn told => (told.Packet, (uint?)told.TotalLength),
            OfPacketIn2 told => (told.Packet, told.FullLength),
            _ => default,
        };
        Assert.Equal((uint)length, all);
        Assert.InRange(shown.Count, length - mostBesides, length - 1);
        Assert.Equal(frame[..shown.Count], shown.Span.ToArray());
    }

    [Fact]
    public void A_packet_that_no_message_can_tell_of_is_left_out()
    {
        OfTalk talk = new(_switch, _group, OfVersion.V13);
        Assert.Null(talk.ErrorOf(new OfNumber { Kind = OfKind.SetPacketInFormat, Value = 2 }));
        talk.Connection.OnPacket(new OfPacketForController { Frame = new OfBytes(new byte[100]), UserData = new OfBytes(new byte[65_500]) });
        Assert.Empty(talk.Come);
        talk.Connection.OnPacket(new OfPacketForController { Frame = new OfBytes(new byte[100]), UserData = new OfBytes(new byte[100]) });
        Assert.Single(talk.Come);
    }

    [Fact]
    public void A_group_that_just_fits_into_a_message_is_made_though_it_cannot_be_told_to_others()
    {
        const int buckets = 4094;
        (OfTalk doer, OfTalk watcher) = (new OfTalk(_switch, _group, OfVersion.V15), new OfTalk(_switch, _group, OfVersion.V15));
        uint?[] masks = new uint?[OfAsyncConfig.KindCount * 2];
        masks[11] = 3;
        Assert.Null(watcher.ErrorOf(new OfAsyncConfig { Kind = OfKind.SetAsync, Masks = new EquatableList<uint?>(masks) }));
        OfGroupModMessage group = OfTalk.Group("group_id=5,type=select,bucket=weight:1,actions=output:1");
        EquatableList<OfAction> none = new([new OfDrop()]);
        GroupMod mod = group.Mod with { Buckets = new EquatableList<GroupBucket>(Enumerable.Range(0, buckets).Select(i => new GroupBucket((uint)i, 1, null, null, none))) };
        Assert.Null(doer.ErrorOf(group with { Mod = mod }));
        Assert.Equal(buckets, Assert.Single(_switch.Groups).Buckets.Count);
        Assert.Empty(watcher.Come);
        Assert.Null(doer.ErrorOf(OfTalk.Group("group_id=6,type=all,bucket=output:1")));
        Assert.Single(watcher.Come);
    }

    [Theory]
    [InlineData(OfVersion.V10, 1364)]
    [InlineData(OfVersion.V11, 1023)]
    [InlineData(OfVersion.V12, 1023)]
    [InlineData(OfVersion.V13, 0)]
    public void Features_have_as_many_ports_as_fit(OfVersion version, int shown)
    {
        _switch.AddPorts(2000);
        OfTalk talk = new(_switch, _group, version);
        Assert.Equal(shown, Assert.IsType<OfFeatures>(Assert.Single(talk.Say(new OfEmpty { Kind = OfKind.FeaturesRequest }))).Ports.Count);
    }

    [Fact]
    public void An_answer_that_is_longer_than_a_message_is_refused()
    {
        _switch.AddPorts(5000);
        OfTalk talk = new(_switch, _group, OfVersion.V12);
        Assert.Equal("OFPBRC_BAD_LEN", talk.ErrorOf(new OfQueueConfig { Kind = OfKind.QueueGetConfigRequest, Port = (uint)OfReservedPort.None }));
        Assert.Null(talk.ErrorOf(new OfQueueConfig { Kind = OfKind.QueueGetConfigRequest, Port = 1 }));
    }

    [Fact]
    public void Statistics_of_groups_and_meters_walk_through_the_flows_once()
    {
        OfTalk talk = new(_switch, _group, OfVersion.V13);
        for (int i = 1; i <= 20; i++)
        {
            Assert.Null(talk.ErrorOf(OfTalk.Group($"group_id={i},type=all,bucket=output:1")));
            Assert.Null(talk.ErrorOf(new OfMeterModMessage { Kind = OfKind.MeterMod, Mod = Assert.Single(FlowTextParser.ParseMeters($"add meter={i} pktps bands=type=drop rate=9")) }));
            Assert.Null(talk.ErrorOf(OfTalk.Flow($"table={i},actions=meter:{i},group:{i},clone(group:{i}),write_actions(group:1)")));
        }

        int before = _switch.Walks;
        OfGroupReply groups = Assert.IsType<OfGroupReply>(Assert.Single(talk.Say(new OfIdRequest { Kind = OfKind.GroupRequest, Id = OfPipeline.AllGroups })));
        Assert.Equal([20u, .. Enumerable.Repeat(1u, 19)], groups.Groups.OrderBy(static g => g.GroupId).Select(static g => g.ReferenceCount));
        OfMeterReply meters = Assert.IsType<OfMeterReply>(Assert.Single(talk.Say(new OfIdRequest { Kind = OfKind.MeterRequest, Id = OfPipeline.AllMeters })));
        Assert.Equal(Enumerable.Repeat(1u, 20), meters.Meters.Select(static m => m.FlowCount));
        Assert.Equal(2, _switch.Walks - before);
    }
}
