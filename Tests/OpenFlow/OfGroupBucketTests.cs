using Mergeflow.Control.OpenFlow;
using Xunit;

namespace Mergeflow.Tests;

/// <summary>Buckets that come and go (OpenFlow 1.5).</summary>
public sealed class OfGroupBucketTests
{
    private const string First = "bucket=bucket_id:1,output:1", Second = "bucket=bucket_id:2,output:2";

    private readonly PlainOfSwitch _switch = new();
    private readonly OfTalk _talk;

    public OfGroupBucketTests()
    {
        _talk = new OfTalk(_switch, new OfConnectionGroup(), OfVersion.V15);
        Assert.Null(_talk.ErrorOf(OfTalk.Group($"group_id=1,type=select,{First},{Second}")));
    }

    [Theory]
    [InlineData(GroupMod.FirstBucket, new uint[] { 7, 1, 2 })]
    [InlineData(GroupMod.LastBucket, new uint[] { 1, 2, 7 })]
    [InlineData(1u, new uint[] { 1, 7, 2 })]
    public void A_bucket_comes_where_it_is_wanted(uint behind, uint[] ids)
    {
        Assert.Null(Change(GroupModCommand.InsertBucket, behind, "bucket=bucket_id:7,output:1"));
        Assert.Equal(ids, Ids);
    }

    [Theory]
    [InlineData(GroupMod.FirstBucket, new uint[] { 2 })]
    [InlineData(GroupMod.LastBucket, new uint[] { 1 })]
    [InlineData(2u, new uint[] { 1 })]
    [InlineData(GroupMod.AllBuckets, new uint[0])]
    public void A_bucket_goes(uint which, uint[] ids)
    {
        Assert.Null(Change(GroupModCommand.RemoveBucket, which, ""));
        Assert.Equal(ids, Ids);
    }

    [Fact]
    public void What_does_not_fit_is_refused_and_changes_nothing()
    {
        Assert.Equal("OFPGMFC_BUCKET_EXISTS", Change(GroupModCommand.InsertBucket, GroupMod.LastBucket, First));
        Assert.Equal("OFPGMFC_UNKNOWN_BUCKET", Change(GroupModCommand.InsertBucket, 9, "bucket=bucket_id:7,output:1"));
        Assert.Equal("OFPGMFC_UNKNOWN_BUCKET", Change(GroupModCommand.RemoveBucket, 9, ""));
        Assert.Equal([1u, 2u], Ids);
    }

    [Fact]
    public void There_is_no_first_bucket_of_none_and_none_of_a_number()
    {
        Assert.Null(Change(GroupModCommand.RemoveBucket, GroupMod.AllBuckets, ""));
        Assert.Null(Change(GroupModCommand.RemoveBucket, GroupMod.FirstBucket, ""));
        Assert.Null(Change(GroupModCommand.RemoveBucket, GroupMod.LastBucket, ""));
        Assert.Equal("OFPGMFC_UNKNOWN_BUCKET", Change(GroupModCommand.RemoveBucket, 1, ""));
    }

    [Fact]
    public void Buckets_that_come_later_are_of_the_type_of_their_group()
    {
        OfGroupModMessage weighted = OfTalk.Group("group_id=1,type=select,bucket=bucket_id:7,weight:100,output:1", GroupModCommand.InsertBucket);
        weighted.Mod = weighted.Mod with { Type = GroupType.All, CommandBucketId = GroupMod.LastBucket };
        Assert.Null(_talk.ErrorOf(weighted));
        GroupMod group = Assert.Single(_switch.Groups);
        Assert.Equal((GroupType.Select, (ushort)100), (group.Type, group.Buckets[2].Weight));

        Assert.Null(_talk.ErrorOf(OfTalk.Group("group_id=2,type=ff")));
        OfGroupModMessage unwatched = OfTalk.Group("group_id=2,type=all,bucket=bucket_id:7,output:1", GroupModCommand.InsertBucket);
        unwatched.Mod = unwatched.Mod with { CommandBucketId = GroupMod.FirstBucket };
        Assert.Null(_talk.ErrorOf(unwatched));
        Assert.Equal(GroupType.FastFailover, _switch.Groups[1].Type);
    }

    private IEnumerable<uint> Ids => Assert.Single(_switch.Groups).Buckets.Select(static b => b.BucketId);

    private string? Change(GroupModCommand command, uint at, string buckets)
    {
        OfGroupModMessage message = OfTalk.Group($"group_id=1,type=select,{buckets}".TrimEnd(','), command);
        message.Mod = message.Mod with { CommandBucketId = at };
        return _talk.ErrorOf(message);
    }
}
