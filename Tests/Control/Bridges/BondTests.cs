using Mergeflow.Control.Bridges;
using Xunit;

namespace Mergeflow.Tests;

/// <summary>Which members of a bond are used, by links, delays, LACP and orders.</summary>
public sealed class BondTests
{
    private readonly List<string> _lines = [];
    private readonly HashSet<uint> _up = [1, 2];
    private readonly Bond _bond;
    private long _nowMs = 1000;

    public BondTests() => _bond = new Bond("bond0", _lines.Add);

    [Fact]
    public void The_active_member_changes_when_its_link_goes_and_stays_when_it_comes_back()
    {
        Configure(new BondOptions());
        Assert.Equal(1u, Run().Active);
        _up.Remove(1);
        Assert.Equal(2u, Run().Active);
        _up.Add(1);
        Assert.Equal(2u, Run().Active);
        Assert.Equal([1u, 2u], Run().Enabled);
        _up.Clear();
        Assert.Null(Run().Active);
        Assert.Contains("bond bond0: all members disabled", _lines);
    }

    [Fact]
    public void The_primary_member_is_active_whenever_it_can_be()
    {
        Configure(new BondOptions { Primary = "b" });
        Assert.Equal(2u, Run().Active);
        _up.Remove(2);
        Assert.Equal(1u, Run().Active);
        _up.Add(2);
        Assert.Equal(2u, Run().Active);
        Configure(new BondOptions { Primary = "nobody" });
        Assert.Contains("active-backup primary: nobody (no such member)\n", _bond.Show(_nowMs), StringComparison.Ordinal);
    }

    [Fact]
    public void Delays_keep_a_link_that_flaps_out_and_one_that_blinks_in()
    {
        Configure(new BondOptions { UpDelayMs = 500, DownDelayMs = 300 });

        // The first member comes without its delay: there is no other.
        Assert.Equal([1u], Run().Enabled);
        _nowMs += 500;
        Assert.Equal([1u, 2u], Run().Enabled);
        _up.Remove(1);
        Assert.Equal(1u, Run().Active);
        Assert.Contains("  downdelay expires in 300 ms\n", _bond.Show(_nowMs), StringComparison.Ordinal);
        _nowMs += 299;
        _up.Add(1);
        Assert.Equal(1u, Run().Active);
        _up.Remove(1);
        Run();
        _nowMs += 300;
        Assert.Equal(2u, Run().Active);
        _up.Add(1);
        Assert.Equal([2u], Run().Enabled);
        _nowMs += 500;
        Assert.Equal([1u, 2u], Run().Enabled);
        Assert.Equal(2u, Run().Active);
    }

    [Fact]
    public void Buckets_stay_with_their_member_while_it_can_send()
    {
        Configure(new BondOptions { Mode = BondMode.BalanceSlb });
        uint[] before = [.. Run().Buckets];
        Assert.Equal((128, 128), (before.Count(static b => b == 1), before.Count(static b => b == 2)));
        _up.Remove(2);
        Assert.All(Run().Buckets, static b => Assert.Equal(1u, b));
        _up.Add(2);
        Assert.All(Run().Buckets, static b => Assert.Equal(1u, b));
        Assert.Null(_bond.Migrate(7, "b"));
        Assert.Equal(2u, Run().Buckets[7]);
        Assert.Equal("no such member", _bond.Migrate(7, "c"));
        Assert.Equal("bad hash", _bond.Migrate(-1, "a"));
        Assert.Null(_bond.Migrate(256 + 8, "b"));
        Assert.Equal(2u, Run().Buckets[8]);
    }

    [Fact]
    public void People_choose_the_active_member_among_those_that_can_be()
    {
        Configure(new BondOptions());
        Run();
        Assert.Null(_bond.SetActive("b", out bool isChanged));
        Assert.True(isChanged);
        Assert.Equal(2u, Run().Active);
        Assert.Null(_bond.SetActive("b", out isChanged));
        Assert.False(isChanged);
        Assert.Equal("no such member", _bond.SetActive("c", out _));
        Assert.Equal("bond0\tactive-backup\t0\ta, b\n", _bond.ListLine());
        Assert.Contains("\nmember b: enabled\n  active member\n  may_enable: true\n", _bond.Show(_nowMs), StringComparison.Ordinal);
    }

    [Fact]
    public void The_member_that_was_active_before_a_restart_is_again()
    {
        Configure(new BondOptions { ActiveBefore = 0xb });
        Assert.Equal(2u, Run().Active);
    }

    [Fact]
    public void Without_an_agreement_nothing_passes_or_one_member_does()
    {
        LacpOptions lacp = new() { IsActive = true, SystemId = 0x0200_0000_0001, SystemPriority = 1 };
        Configure(new BondOptions { Mode = BondMode.BalanceTcp, Lacp = lacp });
        Run();
        _nowMs += 3000;
        BondPlan plan = Run();
        Assert.Equal((BondLacp.Configured, 0), (plan.Lacp, plan.Enabled.Count));
        Assert.Equal([1u, 2u], _bond.HeldByLacp);
        Configure(new BondOptions { Mode = BondMode.BalanceTcp, Lacp = lacp with { FallsBack = true } });
        plan = Run();
        Assert.Equal((BondLacp.Off, BondMode.ActiveBackup, 1u), (plan.Lacp, plan.Mode, plan.Active!.Value));
    }

    [Fact]
    public void A_port_of_one_interface_is_no_bond_and_nothing_holds_members_without_LACP()
    {
        Configure(new BondOptions { Mode = BondMode.BalanceTcp });
        Assert.True(_bond.IsBond);
        Assert.Empty(_bond.HeldByLacp);
        _bond.Configure(new BondOptions(), [new BondMemberOptions(1, "a", 0xa, new LacpMemberOptions("a", 1, 1, 0))]);
        Assert.False(_bond.IsBond);
    }

    private void Configure(BondOptions options)
        => _bond.Configure(options, [new BondMemberOptions(1, "a", 0xa, new LacpMemberOptions("a", 1, 1, 0)), new BondMemberOptions(2, "b", 0xb, new LacpMemberOptions("b", 2, 1, 0))]);

    private BondPlan Run() => _bond.Run(_nowMs, _up.Contains, static (_, _, _) => { });
}
