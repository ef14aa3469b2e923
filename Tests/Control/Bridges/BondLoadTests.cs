using System.Text.RegularExpressions;
using Mergeflow.Control.Bridges;
using Xunit;

namespace Mergeflow.Tests;

/// <summary>Bonds that share by load: which flows move, when, and how it is told; whom a change of members is told to.</summary>
public sealed class BondLoadTests
{
    private const int IntervalMs = 2000;

    private readonly List<string> _lines = [];
    private readonly HashSet<uint> _up = [1, 2, 3];
    private readonly Bond _bond;
    private long _nowMs = 1000;

    public BondLoadTests() => _bond = new Bond("bond0", _lines.Add);

    [Fact]
    public void What_is_too_much_for_a_member_goes_to_one_that_carries_less_when_it_is_time()
    {
        Configure(2, new BondOptions { Mode = BondMode.BalanceSlb, RebalanceMs = IntervalMs });
        BondPlan plan = Run();
        int[] own = [.. Of(plan, 1).Take(4)];
        foreach (int hash in own) Carry(plan, hash, 1 << 20);
        _nowMs += IntervalMs - 1;
        Assert.True(Run().IsSame(plan));
        string shown = _bond.Show(_nowMs);
        Assert.Contains("downdelay: 0 ms\nnext rebalance: 1 ms\nlacp_status: off\n", shown, StringComparison.Ordinal);
        Assert.Contains($"\nmember a: enabled\n  active member\n  may_enable: true\n{string.Concat(own.Select(static h => $"  hash {h}: 1024 kB load\n"))}\nmember b: enabled\n  may_enable: true\n\n", shown, StringComparison.Ordinal);
        _nowMs += 1;
        BondPlan after = Run();
        Assert.Equal(2, own.Count(h => after.Buckets[h] == 2));
        Assert.Equal(2, Enumerable.Range(0, 256).Count(h => after.Buckets[h] != plan.Buckets[h]));
        Assert.Equal(
            [$"bond bond0: shift 1024kB of load (with hash {own[0]}) from a to b (now carrying 3072kB and 1024kB load, respectively)", $"bond bond0: shift 1024kB of load (with hash {own[1]}) from a to b (now carrying 2048kB and 2048kB load, respectively)"],
            _lines.Where(static l => l.Contains("shift", StringComparison.Ordinal)));

        // What was is worth half at each look, and at last nothing.
        Assert.Equal(4, Regex.Matches(_bond.Show(_nowMs), "hash [0-9]+: 512 kB load").Count);
        for (int i = 0; i < 30; i++)
        {
            _nowMs += IntervalMs;
            Assert.True(Run().IsSame(after));
        }

        Assert.DoesNotContain("kB load", _bond.Show(_nowMs), StringComparison.Ordinal);
    }

    [Fact]
    public void Light_loads_single_flows_and_small_differences_stay_where_they_are()
    {
        Configure(2, new BondOptions { Mode = BondMode.BalanceSlb, RebalanceMs = IntervalMs });
        BondPlan plan = Run();
        int[] first = [.. Of(plan, 1)], second = [.. Of(plan, 2)];
        Carry(plan, first[0], 40_000);
        Carry(plan, first[1], 40_000);
        Assert.True(Later().IsSame(plan));
        Carry(plan, first[0], 50 << 20);
        for (int i = 0; i < 8; i++) Assert.True(Later().IsSame(plan), "a flow that is heavy alone would only change its place");
        for (int i = 0; i < 30; i++) Later();
        for (int i = 0; i < 100; i++)
        {
            Carry(plan, first[i], 102_000);
            Carry(plan, second[i], 100_000);
        }

        Assert.True(Later().IsSame(plan), "less than a thirty-second part");
    }

    [Theory]
    [InlineData(2, 1)]
    [InlineData(3, 2)]
    public void The_difference_between_members_never_grows_and_what_all_carry_stays(int members, int seed)
    {
        Random random = new(seed);
        Configure(members, new BondOptions { Mode = BondMode.BalanceTcp, RebalanceMs = IntervalMs });
        BondPlan plan = Run();
        for (int round = 0; round < 40; round++)
        {
            ulong[] bytes = new ulong[256];
            for (int h = 0; h < 256; h++) Carry(plan, h, bytes[h] = random.Next(4) == 0 ? (ulong)random.Next(1 << 22) : 0);

            // A bond that has forgotten what was, with these loads alone.
            for (int i = 0; i < 40 && round == 0; i++) Later();
            ulong before = Difference(plan, bytes);
            BondPlan after = Later();
            if (round == 0) Assert.InRange(Difference(after, bytes), 0ul, before);
            Assert.Equal(256, after.Buckets.Count);
            Assert.All(after.Buckets, b => Assert.InRange(b, 1u, (uint)members));
            plan = after;
        }

        // The heavier the load of one, the more certain that the worst case comes down.
        uint one = plan.Buckets[0];
        ulong[] skewed = [.. plan.Buckets.Select(b => b == one ? 1_000_000ul : 0)];
        for (int i = 0; i < 40; i++) Later();
        plan = Run();
        skewed = [.. plan.Buckets.Select(b => b == one ? 1_000_000ul : 0)];
        for (int h = 0; h < 256; h++) Carry(plan, h, skewed[h]);
        Assert.InRange(Difference(Later(), skewed), 0ul, Difference(plan, skewed) / 4);
    }

    [Fact]
    public void Nothing_is_moved_if_the_interval_is_zero_or_one_member_is_used()
    {
        Configure(2, new BondOptions { Mode = BondMode.BalanceSlb, RebalanceMs = 0 });
        BondPlan plan = Run();
        foreach (int hash in Of(plan, 1)) Carry(plan, hash, 1 << 20);
        Assert.True(Later().IsSame(plan));
        Assert.DoesNotContain("next rebalance", _bond.Show(_nowMs), StringComparison.Ordinal);
        Configure(2, new BondOptions { RebalanceMs = IntervalMs });
        Assert.Empty(Later().Buckets);
        Assert.DoesNotContain("next rebalance", _bond.Show(_nowMs), StringComparison.Ordinal);
    }

    [Fact]
    public void Those_behind_a_bond_are_told_when_the_member_changes_by_which_they_are_reached()
    {
        Configure(2, new BondOptions());
        Run();
        Assert.True(_bond.TakeHasToTell());
        Assert.False(_bond.TakeHasToTell());
        _up.Remove(1);
        Run();
        Assert.True(_bond.TakeHasToTell());
        Assert.Equal(2u, _bond.MemberOf(0x5054_0000_0005, 0));
        _up.Add(1);
        Run();
        Assert.False(_bond.TakeHasToTell());
        Configure(2, new BondOptions { Mode = BondMode.BalanceSlb });
        BondPlan plan = Run();
        Assert.Equal(plan.Buckets[218], _bond.MemberOf(0x5054_0000_0005, 0));
        Assert.Equal(plan.Buckets[65], _bond.MemberOf(0x5054_0000_0005, 7));
        _up.Remove(2);
        Run();
        Assert.True(_bond.TakeHasToTell());

        // With LACP the other end knows.
        Configure(2, new BondOptions { Mode = BondMode.BalanceSlb, Lacp = new LacpOptions { IsActive = true, SystemId = 1, SystemPriority = 1 } });
        _up.Add(2);
        _up.Remove(1);
        Run();
        Assert.False(_bond.TakeHasToTell());
    }

    /// <summary>As <c>ovs-appctl bond/hash</c> of Open vSwitch 3.1.0 on x86-64 says.</summary>
    [Theory]
    [InlineData(0x5054_0000_0005, 0, 0u, 218u)]
    [InlineData(0x5054_0000_0005, 7, 0u, 65u)]
    [InlineData(0x5054_0000_0005, 7, 99u, 145u)]
    [InlineData(0xaabb_ccdd_eeff, 0, 0u, 168u)]
    [InlineData(1, 4095, uint.MaxValue, 43u)]
    public void An_address_has_the_bucket_that_Open_vSwitch_gives_it(ulong mac, ushort vlan, uint basis, uint bucket) => Assert.Equal(bucket, BondHash.OfMac(mac, vlan, basis) % 256);

    [Fact]
    public void A_request_that_tells_an_address_is_a_reverse_ARP_to_all()
    {
        Assert.Equal("ffffffffffff5054000000098035000108000604000350540000000900000000505400000009" + "00000000", Convert.ToHexStringLower(RarpFrame.Write(0x5054_0000_0009, 0)));
        Assert.StartsWith("ffffffffffff50540000000981000fff8035", Convert.ToHexStringLower(RarpFrame.Write(0x5054_0000_0009, 4095)), StringComparison.Ordinal);
    }

    private static IEnumerable<int> Of(BondPlan plan, uint member) => Enumerable.Range(0, plan.Buckets.Count).Where(h => plan.Buckets[h] == member);

    private static void Carry(BondPlan plan, int hash, ulong bytes) => plan.Counters!.Counted[hash].Stats.Add(1, bytes, 0);

    private static ulong Difference(BondPlan plan, ulong[] bytes)
    {
        ulong[] loads = [.. plan.Enabled.Select(m => Of(plan, m).Aggregate(0ul, (sum, h) => sum + bytes[h]))];
        return loads.Max() - loads.Min();
    }

    private void Configure(int members, BondOptions options)
        => _bond.Configure(options, [.. Enumerable.Range(1, members).Select(static i => new BondMemberOptions((uint)i, $"{(char)('a' + i - 1)}", (ulong)(9 + i), new LacpMemberOptions("", (ushort)i, 1, 0)))]);

    private BondPlan Later()
    {
        _nowMs += IntervalMs;
        return Run();
    }

    private BondPlan Run() => _bond.Run(_nowMs, _up.Contains, static (_, _, _) => { });
}
