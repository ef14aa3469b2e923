using System.Globalization;
using System.Text;
using Mergeflow.Engine.OpenFlow;

namespace Mergeflow.Control.Bridges;

/// <summary>
/// A bond (OVS <c>ofproto/bond.c</c>): which members are used, by their links, delays and LACP, which is the active one, and what each bucket of flows leaves by. Knows time, no ports. Buckets stay with their member while it is
/// enabled, or until load is shared anew. For one thread.
/// </summary>
/// <param name="name">Of the port.</param>
/// <param name="log">Takes lines.</param>
public sealed partial class Bond(string name, Action<string> log)
{
    private readonly List<Member> _members = [];
    private readonly Member?[] _buckets = new Member?[BondPlan.BucketCount];
    private BondOptions _options = new();
    private Member? _active;
    private ulong _activeMac;
    private Lacp? _lacp;
    private int _turn;

    /// <summary>Name of the port.</summary>
    public string Name => name;

    /// <summary>LACP; null = none.</summary>
    public Lacp? Lacp => _lacp;

    /// <summary>Address of the member that is, or was last, the active one (column <c>bond_active_slave</c>); 0 = none.</summary>
    public ulong ActiveMac => _activeMac;

    /// <summary>Sets what is wanted.</summary>
    public void Configure(BondOptions options, IReadOnlyList<BondMemberOptions> members)
    {
        _options = options;
        if (_activeMac == 0 && options.ActiveBefore is { } before) _activeMac = before;
        _members.RemoveAll(m => members.All(w => w.Port != m.Options.Port));
        foreach (BondMemberOptions wanted in members)
        {
            if (_members.Find(m => m.Options.Port == wanted.Port) is { } known) known.Options = wanted;
            else _members.Add(new Member(wanted));
        }

        _members.Sort(static (a, b) => string.CompareOrdinal(a.Options.Name, b.Options.Name));
        if (_active is not null && !_members.Contains(_active)) _active = null;
        _lacp = options.Lacp is null ? null : _lacp ?? new Lacp(name, log);
        _lacp?.Configure(options.Lacp!, members.ToDictionary(static m => m.Port, static m => m.Lacp));
    }

    /// <summary>Looks at links and time; returns what translation is to go by.</summary>
    /// <param name="nowMs">Time.</param>
    /// <param name="hasCarrier">Whether a port has a link.</param>
    /// <param name="send">Sends an LACP message by a port.</param>
    public BondPlan Run(long nowMs, Func<uint, bool> hasCarrier, Action<uint, LacpInfo, LacpInfo> send)
    {
        foreach (Member member in _members)
        {
            member.HasCarrier = hasCarrier(member.Options.Port);
            _lacp?.SetCarrier(member.Options.Port, member.HasCarrier, nowMs);
        }

        _lacp?.Run(nowMs, send);
        bool fallsBack = _lacp is { IsNegotiated: false } && _options.Lacp!.FallsBack;
        foreach (Member member in _members)
        {
            member.MayEnable = _lacp is null || fallsBack || _lacp.MayEnable(member.Options.Port);
            Follow(member, nowMs);
        }

        ChooseActive(nowMs);
        _nowBalanced = IsBalanced && !fallsBack;
        BondMode mode = fallsBack ? BondMode.ActiveBackup : _options.Mode;
        BondLacp lacp = _lacp is null || fallsBack ? BondLacp.Off : _lacp.IsNegotiated ? BondLacp.Negotiated : BondLacp.Configured;
        uint[] enabled = [.. _members.Where(static m => m.IsEnabled).Select(static m => m.Options.Port).Order()];
        uint[] buckets = mode == BondMode.ActiveBackup ? [] : Spread();
        if (_nowBalanced && buckets.Length > 0 && Rebalance(nowMs)) buckets = Spread();
        _plan = new BondPlan { Mode = mode, Lacp = lacp, Enabled = enabled, Active = _active is { IsEnabled: true } ? _active.Options.Port : null, Basis = _options.Basis, AllActive = _options.AllActive, Counters = _counters, Buckets = buckets };
        return _plan;
    }

    /// <summary>Takes a member out of use or in again (<c>bond/disable-member</c>); false if there is none of that name.</summary>
    public bool SetEnabled(string member, bool isEnabled)
    {
        if (_members.Find(m => m.Options.Name == member) is not { } found) return false;
        Enable(found, isEnabled);
        return true;
    }

    /// <summary>Makes a member the active one (<c>bond/set-active-member</c>).</summary>
    /// <returns>What is wrong; null = nothing.</returns>
    public string? SetActive(string member, out bool isChanged)
    {
        isChanged = false;
        if (_members.Find(m => m.Options.Name == member) is not { } found) return "no such member";
        if (!found.IsEnabled) return "cannot make disabled member active";
        if (_active == found) return null;
        isChanged = true;
        Activate(found);
        return null;
    }

    /// <summary>Moves a bucket to a member (<c>bond/migrate</c>).</summary>
    /// <returns>What is wrong; null = nothing.</returns>
    public string? Migrate(int bucket, string member)
    {
        if (_options.Mode != BondMode.BalanceSlb) return "not an SLB bond";
        if (bucket < 0) return "bad hash";
        if (_members.Find(m => m.Options.Name == member) is not { } found) return "no such member";
        if (!found.IsEnabled) return "cannot migrate to disabled member";
        _buckets[bucket % BondPlan.BucketCount] = found;
        return null;
    }

    /// <summary>It has members to choose from; a port of one interface is here for its LACP alone.</summary>
    public bool IsBond => _members.Count > 1;

    /// <summary>Members that have no agreement by LACP, whether or not the bond does without; none where there is no LACP.</summary>
    public IEnumerable<uint> HeldByLacp => _lacp is { } lacp ? _members.Select(static m => m.Options.Port).Where(p => !lacp.MayEnable(p)) : [];

    /// <summary>As <c>bond/show</c> prints it.</summary>
    public string Show(long nowMs)
    {
        StringBuilder text = new();
        string lacp = _lacp is null ? "off" : _lacp.IsNegotiated ? "negotiated" : "configured";
        text.Append(CultureInfo.InvariantCulture, $"---- {name} ----\nbond_mode: {NameOf(_options.Mode)}\nbond may use recirculation: no, Recirc-ID : -1\nbond-hash-basis: {_options.Basis}\nlb_output action: disabled, bond-id: -1\n");
        if (_options.Mode == BondMode.BalanceSlb) text.Append($"all members active: {(_options.AllActive ? "true" : "false")}\n");
        text.Append(CultureInfo.InvariantCulture, $"updelay: {_options.UpDelayMs} ms\ndowndelay: {_options.DownDelayMs} ms\n");
        if (_nowBalanced) text.Append(CultureInfo.InvariantCulture, $"next rebalance: {_rebalanceDueMs - nowMs} ms\n");
        text.Append(CultureInfo.InvariantCulture, $"lacp_status: {lacp}\nlacp_fallback_ab: {(_options.Lacp is { FallsBack: true } ? "true" : "false")}\n");
        bool hasPrimary = _members.Exists(m => m.Options.Name == _options.Primary);
        text.Append(CultureInfo.InvariantCulture, $"active-backup primary: {_options.Primary ?? "<none>"}{(_options.Primary is not null && !hasPrimary ? " (no such member)" : "")}\n");
        text.Append(CultureInfo.InvariantCulture, $"active member mac: {MacText.Of(_activeMac)}({_members.Find(m => m.Options.Mac == _activeMac)?.Options.Name ?? "none"})\n");
        foreach (Member member in _members)
        {
            text.Append(CultureInfo.InvariantCulture, $"\nmember {member.Options.Name}: {(member.IsEnabled ? "enabled" : "disabled")}\n{(member == _active ? "  active member\n" : "")}");
            if (member.ExpiresMs is { } expires) text.Append(CultureInfo.InvariantCulture, $"  {(member.IsEnabled ? "downdelay" : "updelay")} expires in {Math.Max(0, expires - nowMs)} ms\n");
            text.Append(CultureInfo.InvariantCulture, $"  may_enable: {(member is { MayEnable: true, HasCarrier: true } ? "true" : "false")}\n");
            if (_nowBalanced) WriteLoads(text, member);
        }

        return text.Append('\n').ToString();
    }

    /// <summary>Line of <c>bond/list</c>.</summary>
    public string ListLine() => $"{name}\t{NameOf(_options.Mode)}\t0\t{string.Join(", ", _members.Select(static m => m.Options.Name))}\n";

    private static string NameOf(BondMode mode) => mode switch { BondMode.BalanceSlb => "balance-slb", BondMode.BalanceTcp => "balance-tcp", _ => "active-backup" };

    /// <summary>A link that is not what the member is becomes so after the delay (OVS <c>bond_link_status_update</c>).</summary>
    private void Follow(Member member, long nowMs)
    {
        bool isUp = member is { HasCarrier: true, MayEnable: true };
        if (isUp == member.IsEnabled)
        {
            if (member.ExpiresMs is not null) log($"member {member.Options.Name}: will not be {(isUp ? "disabled" : "enabled")}");
            member.ExpiresMs = null;
            return;
        }

        if (member.ExpiresMs is null)
        {
            log($"member {member.Options.Name}: link state {(isUp ? "up" : "down")}");
            int delayMs = _lacp is not null ? 0 : isUp ? _options.UpDelayMs : _options.DownDelayMs;
            member.ExpiresMs = nowMs + delayMs;
            if (delayMs > 0) log(string.Create(CultureInfo.InvariantCulture, $"member {member.Options.Name}: will be {(isUp ? "enabled" : "disabled")} if it stays {(isUp ? "up" : "down")} for {delayMs} ms"));
        }

        if (nowMs >= member.ExpiresMs) Enable(member, isUp);
    }

    private void Enable(Member member, bool isEnabled)
    {
        member.ExpiresMs = null;
        if (member.IsEnabled == isEnabled) return;
        member.IsEnabled = isEnabled;
        _hasToTell |= !isEnabled;
        log($"member {member.Options.Name}: {(isEnabled ? "enabled" : "disabled")}");
    }

    private void ChooseActive(long nowMs)
    {
        Member? primary = _members.Find(m => m.Options.Name == _options.Primary && m.IsEnabled);
        if (primary is not null)
        {
            if (_active != primary) Activate(primary);
            return;
        }

        if (_active is { IsEnabled: true }) return;
        Member? best = _members.Find(m => m.Options.Mac == _activeMac && m.IsEnabled) ?? _members.Find(static m => m.IsEnabled);
        if (best is null)
        {
            // Rather one whose delay is not over than none.
            best = _members.Where(static m => m is { MayEnable: true, HasCarrier: true, ExpiresMs: not null }).MinBy(static m => m.ExpiresMs);
            if (best is not null) log(string.Create(CultureInfo.InvariantCulture, $"member {best.Options.Name}: skipping remaining {Math.Max(0, best.ExpiresMs!.Value - nowMs)} ms updelay (since no other interface is enabled)"));
            if (best is not null) Enable(best, true);
        }

        if (best is not null)
        {
            Activate(best);
            return;
        }

        if (_active is not null) log($"bond {name}: all members disabled");
        _active = null;
    }

    private void Activate(Member member)
    {
        _active = member;
        _hasToTell = true;
        _activeMac = member.Options.Mac;
        log($"bond {name}: active member is now {member.Options.Name}");
    }

    /// <summary>A bucket whose member is not enabled gets one in turn.</summary>
    private uint[] Spread()
    {
        Member[] enabled = [.. _members.Where(static m => m.IsEnabled)];
        if (enabled.Length == 0) return [];
        for (int i = 0; i < _buckets.Length; i++)
        {
            if (_buckets[i] is not { IsEnabled: true } member || !_members.Contains(member)) _buckets[i] = enabled[_turn++ % enabled.Length];
        }

        return [.. _buckets.Select(static b => b!.Options.Port)];
    }

    private sealed class Member(BondMemberOptions options)
    {
        public BondMemberOptions Options { get; set; } = options;

        public bool HasCarrier { get; set; }

        public bool MayEnable { get; set; }

        public bool IsEnabled { get; set; }

        public long? ExpiresMs { get; set; }
    }
}
