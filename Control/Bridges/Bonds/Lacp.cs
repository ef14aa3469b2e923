using System.Globalization;
using System.Text;

namespace Mergeflow.Control.Bridges;

/// <summary>LACP of one bond (IEEE 802.1AX; OVS <c>lib/lacp.c</c>): it knows time and messages, no ports and no sockets. For one thread.</summary>
/// <param name="name">Of the bond.</param>
/// <param name="log">Takes lines.</param>
public sealed class Lacp(string name, Action<string> log)
{
    private const int FastMs = 1000;
    private const int SlowMs = 30_000;
    private const int ReceiveFactor = 3;

    /// <summary>Each frame of a link that comes back to its own bond says so.</summary>
    private readonly LogLimit _loops = new(log, linesPerMinute: 1, burst: 5);

    private readonly SortedDictionary<uint, Member> _members = [];
    private LacpOptions _options = new() { SystemId = 0, SystemPriority = ushort.MaxValue };
    private bool _isDue = true;

    /// <summary>What the other end has agreed to.</summary>
    public bool IsNegotiated { get; private set; }

    /// <summary>Changes with each message that changes what is known of the other end.</summary>
    public LacpOptions Options => _options;

    /// <summary>Sets what is wanted.</summary>
    /// <param name="options">Of the bond.</param>
    /// <param name="members">By OpenFlow number.</param>
    public void Configure(LacpOptions options, IReadOnlyDictionary<uint, LacpMemberOptions> members)
    {
        if (options != _options) (_options, _isDue) = (options, true);
        foreach (uint gone in _members.Keys.Where(p => !members.ContainsKey(p)).ToArray()) _isDue |= _members.Remove(gone);
        foreach ((uint port, LacpMemberOptions wanted) in members)
        {
            if (!_members.TryGetValue(port, out Member? member)) _members.Add(port, member = new Member(wanted));
            else if (member.Options == wanted) continue;
            (member.Options, _isDue) = (wanted, true);
            member.Default();
        }
    }

    /// <summary>The link of a member has come or gone.</summary>
    public void SetCarrier(uint port, bool isUp, long nowMs)
    {
        if (!_members.TryGetValue(port, out Member? member) || member.HasCarrier == isUp) return;
        member.HasCarrier = isUp;
        member.CarrierChanges++;

        // A link that was away is asked about each second.
        if (member.Status == LacpStatus.Current || _options.IsActive) member.Expire(nowMs);
    }

    /// <summary>A frame has come by a member.</summary>
    public void Receive(uint port, ReadOnlySpan<byte> frame, long nowMs)
    {
        if (!_members.TryGetValue(port, out Member? member)) return;
        member.Received++;
        if (!LacpFrame.TryRead(frame, out LacpInfo actor, out LacpInfo partner, out bool isMarker))
        {
            if (isMarker) member.ReceivedMarkers++;
            if (isMarker) return;
            member.ReceivedBad++;
            if (member.ReceivedBad == 1) log($"{name}: received an unparsable LACP PDU.");
            return;
        }

        if (!member.HasCarrier) return;
        member.Status = LacpStatus.Current;
        member.ReceiveDueMs = nowMs + (ReceiveFactor * (_options.IsFast ? FastMs : SlowMs));
        member.Told = partner;
        if (member.Partner == actor) return;
        (member.Partner, _isDue) = (actor, true);
    }

    /// <summary>Does what time asks for.</summary>
    /// <param name="nowMs">Time.</param>
    /// <param name="send">Sends a message by a member: number, what it says of us and of the other end.</param>
    public void Run(long nowMs, Action<uint, LacpInfo, LacpInfo> send)
    {
        foreach (Member member in _members.Values)
        {
            if (nowMs < member.ReceiveDueMs) continue;
            if (member.Status == LacpStatus.Current)
            {
                member.Expire(nowMs);
                member.Expired++;
            }
            else if (member.Status == LacpStatus.Expired)
            {
                member.Default();
                member.Defaulted++;
                _isDue = true;
            }
        }

        if (_isDue) Attach();
        foreach ((uint port, Member member) in _members)
        {
            if (!member.HasCarrier || (!_options.IsActive && member.Status == LacpStatus.Defaulted)) continue;
            LacpInfo actor = ActorOf(member);
            if (nowMs < member.SendDueMs && actor.IsTold(member.Told)) continue;
            member.Told = actor;
            send(port, actor, member.Partner);
            member.Sent++;
            member.SendDueMs = nowMs + ((member.Partner.State & LacpState.Short) != 0 ? FastMs : SlowMs);
        }
    }

    /// <summary>A member may be used.</summary>
    public bool MayEnable(uint port) => _members.TryGetValue(port, out Member? member) && MayEnable(member);

    /// <summary>What a member has last heard is fresh (column <c>lacp_current</c>).</summary>
    public bool? IsCurrent(uint port) => _members.TryGetValue(port, out Member? member) ? member.Status == LacpStatus.Current : null;

    /// <summary>As <c>lacp/show</c> prints it.</summary>
    public string Show()
    {
        StringBuilder text = new();
        string key = _members.Count == 0 ? "none" : KeyOfAll.ToString(CultureInfo.InvariantCulture);
        text.Append(CultureInfo.InvariantCulture, $"---- {name} ----\n  status: {(_options.IsActive ? "active" : "passive")}{(IsNegotiated ? " negotiated" : "")}\n  sys_id: {MacText.Of(_options.SystemId)}\n  sys_priority: {_options.SystemPriority}\n");
        text.Append(CultureInfo.InvariantCulture, $"  aggregation key: {key}\n  lacp_time: {(_options.IsFast ? "fast" : "slow")}\n");
        foreach (Member member in _members.Values.OrderBy(static m => m.Options.Name, StringComparer.Ordinal))
        {
            string status = member.Status switch { LacpStatus.Current => "current", LacpStatus.Expired => "expired", _ => "defaulted" };
            text.Append(CultureInfo.InvariantCulture, $"\nmember: {member.Options.Name}: {status} {(member.IsAttached ? "attached" : "detached")}\n  port_id: {member.Options.PortId}\n  port_priority: {member.Options.PortPriority}\n");
            text.Append(CultureInfo.InvariantCulture, $"  may_enable: {(MayEnable(member) ? "true" : "false")}\n");
            Write(text, "actor", ActorOf(member));
            text.Append('\n');
            Write(text, "partner", member.Partner, isFirst: false);
        }

        return text.ToString();
    }

    /// <summary>As <c>lacp/show-stats</c> prints it.</summary>
    public string ShowStatistics()
    {
        StringBuilder text = new($"---- {name} statistics ----\n");
        foreach (Member m in _members.Values.OrderBy(static m => m.Options.Name, StringComparer.Ordinal))
        {
            text.Append(CultureInfo.InvariantCulture, $"\nmember: {m.Options.Name}:\n  TX PDUs: {m.Sent}\n  RX PDUs: {m.Received}\n  RX Bad PDUs: {m.ReceivedBad}\n  RX Marker Request PDUs: {m.ReceivedMarkers}\n");
            text.Append(CultureInfo.InvariantCulture, $"  Link Expired: {m.Expired}\n  Link Defaulted: {m.Defaulted}\n  Carrier Status Changed: {m.CarrierChanges}\n");
        }

        return text.ToString();
    }

    private static void Write(StringBuilder text, string who, LacpInfo info, bool isFirst = true)
    {
        if (isFirst) text.Append('\n');
        text.Append(CultureInfo.InvariantCulture, $"  {who} sys_id: {MacText.Of(info.SystemId)}\n  {who} sys_priority: {info.SystemPriority}\n  {who} port_id: {info.PortId}\n  {who} port_priority: {info.PortPriority}\n  {who} key: {info.Key}\n  {who} state:");
        (LacpState Flag, string Name)[] names =
        [
            (LacpState.Active, "activity"), (LacpState.Short, "timeout"), (LacpState.Aggregates, "aggregation"), (LacpState.Synchronized, "synchronized"), (LacpState.Collects, "collecting"),
            (LacpState.Distributes, "distributing"), (LacpState.Defaulted, "defaulted"), (LacpState.Expired, "expired"),
        ];
        foreach ((LacpState flag, string word) in names)
        {
            if ((info.State & flag) != 0) text.Append(' ').Append(word);
        }

        text.Append('\n');
    }

    private ushort KeyOfAll => _members.Values.First().Options is var first && first.Key != 0 ? first.Key : first.PortId;

    private bool MayEnable(Member member) => member.IsAttached && ((member.Partner.State & LacpState.Synchronized) != 0 || (_options.FallsBack && member.Status == LacpStatus.Defaulted));

    private LacpInfo ActorOf(Member member)
    {
        LacpState state = (_options.IsActive ? LacpState.Active : 0) | (_options.IsFast ? LacpState.Short : 0) | (member.IsAttached ? LacpState.Synchronized : 0) | (_members.Count > 1 ? LacpState.Aggregates : 0);
        if (member.Status == LacpStatus.Defaulted) state |= LacpState.Defaulted;
        if (member.Status == LacpStatus.Expired) state |= LacpState.Expired;
        if (member.IsAttached || !IsNegotiated) state |= LacpState.Collects | LacpState.Distributes;
        return new LacpInfo(_options.SystemPriority, _options.SystemId, KeyOfAll, member.Options.PortPriority, member.Options.PortId, state);
    }

    /// <summary>What the end with the higher priority says decides.</summary>
    private LacpInfo PreferenceOf(Member member)
    {
        bool ours = (_options.SystemPriority, _options.SystemId).CompareTo((member.Partner.SystemPriority, member.Partner.SystemId)) < 0;
        return ours ? ActorOf(member) : member.Partner;
    }

    /// <summary>Which members form the aggregate: those that lead to one system by one key, the best one first (OVS <c>lacp_update_attached</c>).</summary>
    private void Attach()
    {
        _isDue = false;
        Member? working = Best(_members.Values.Where(static m => m.Status == LacpStatus.Current && m.IsAttached)), lead = working;
        foreach (Member member in _members.Values)
        {
            bool wasUsable = MayEnable(member);
            member.IsAttached = false;
            if (member.Partner.SystemId == _options.SystemId && member.Status != LacpStatus.Defaulted)
            {
                _loops.Write($"member {member.Options.Name}: Loopback detected. Interface is connected to its own bond");
                continue;
            }

            if (member.Status == LacpStatus.Defaulted)
            {
                member.IsAttached = _options.FallsBack;
                continue;
            }

            member.IsAttached = working is null || member.Partner.SystemId == working.Partner.SystemId;
            if (!member.IsAttached) continue;
            bool leads = lead is not null && MayEnable(lead);
            if (lead is null || (wasUsable && !leads) || (wasUsable == leads && PreferenceOf(member).CompareTo(PreferenceOf(lead)) < 0)) lead = member;
        }

        IsNegotiated = lead is not null;
        if (lead is null) return;
        foreach (Member member in _members.Values)
        {
            bool isOther = lead.Partner.Key != member.Partner.Key || lead.Partner.SystemId != member.Partner.SystemId;
            if (isOther || (_options.FallsBack && member.Status == LacpStatus.Defaulted)) member.IsAttached = false;
        }
    }

    private Member? Best(IEnumerable<Member> members) => members.MinBy(PreferenceOf);

    private enum LacpStatus
    {
        Defaulted,
        Current,
        Expired,
    }

    private sealed class Member(LacpMemberOptions options)
    {
        public LacpMemberOptions Options { get; set; } = options;

        public LacpStatus Status { get; set; }

        public bool HasCarrier { get; set; }

        public bool IsAttached { get; set; }

        public LacpInfo Partner { get; set; }

        /// <summary>What the other end believes of us.</summary>
        public LacpInfo Told { get; set; }

        public long ReceiveDueMs { get; set; } = long.MaxValue;

        public long SendDueMs { get; set; }

        public long Sent { get; set; }

        public long Received { get; set; }

        public long ReceivedBad { get; set; }

        public long ReceivedMarkers { get; set; }

        public long Expired { get; set; }

        public long Defaulted { get; set; }

        public long CarrierChanges { get; set; }

        public void Expire(long nowMs)
        {
            Status = LacpStatus.Expired;
            Partner = Partner with { State = (Partner.State | LacpState.Short) & ~LacpState.Synchronized };
            ReceiveDueMs = nowMs + (ReceiveFactor * FastMs);
        }

        public void Default() => (Status, Partner, IsAttached, ReceiveDueMs) = (LacpStatus.Defaulted, default, false, long.MaxValue);
    }
}
