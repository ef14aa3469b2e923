using Mergeflow.Engine.Keys;
using Mergeflow.Engine.Ledger;
using Mergeflow.Engine.Lookup;
using Mergeflow.Engine.OpenFlow;
using Mergeflow.Engine.Xlate;
using Mergeflow.Native;

namespace Mergeflow.Engine.Upcall;

/// <content>Statistics: what megaflows have counted goes to the OpenFlow rules that made them.</content>
public sealed partial class MegaflowRevalidator
{
    private readonly Action<Megaflow> _reportUse;
    private readonly Action<Megaflow> _pushOrRemove;

    /// <summary>Megaflows that this call of <see cref="PushAll"/> and its slices so far have removed.</summary>
    private int _lost;

    /// <summary>Tells rules with an idle timeout when their last packets came, and learns from these packets; what they count is pushed in its own time, unless they learn. Returns <see cref="Slice.NotYet"/> if it has to be called again.</summary>
    public int ReportUse(long nowMs)
    {
        _nowMs = nowMs;
        Slice slice = SliceOfCall();
        return Walk(ref slice, _reportUse) ? 0 : Slice.NotYet;
    }

    /// <summary>
    /// Pushes all counters to the OpenFlow rules, and what <c>normal</c> learns from the packets; those of dead megaflows too. Returns how many megaflows went, or <see cref="Slice.NotYet"/> if it
    /// has to be called again.
    /// </summary>
    public int PushAll(long nowMs)
    {
        _nowMs = nowMs;
        Slice slice = SliceOfCall();
        if (!WalkCrediting(ref slice, _pushOrRemove)) return Slice.NotYet;
        if (!IsSliced) _upcall.Megaflows.Reclaim();
        int lost = _lost;
        _lost = 0;
        return lost;
    }

    private void ReportUse(Megaflow m)
    {
        // Who has nothing to report has said before when he was used last; one that was translated anew has not been used at all.
        if (!HasPackets(m)) return;
        long lastUsedMs = _upcall.Megaflows.CountersOf(m).LastUsedMs;
        foreach (OfRule rule in m.Rules)
        {
            if (rule.IdleTimeoutSeconds != 0) rule.Stats.Use(lastUsedMs);
        }

        if (!m.Dead && (m.LearnedRules.Length | m.FinTimeouts.Length) != 0) Push(m);
    }

    private void PushOrRemove(Megaflow m)
    {
        if (m.Dead || !IsLost(m))
        {
            Push(m);
            return;
        }

        _lost++;
        Remove(m);
    }

    /// <summary>
    /// Pushes one megaflow's new packets and bytes to every rule it visits, once per visit. OVS cannot read the key of an MPLS packet without a
    /// label back from its datapath (<c>odp_flow_key_to_flow</c>): such a megaflow's statistics end with the packet that made it, and the
    /// megaflow when others are found.
    /// </summary>
    /// <param name="m">The megaflow.</param>
    /// <param name="learns">The rules that it learns are as the tables have it now; else see <see cref="LearnAgain"/>.</param>
    private unsafe void Push(Megaflow m, bool learns = true)
    {
        (ulong packets, ulong bytes, long lastUsedMs) = _upcall.Megaflows.CountersOf(m);
        // The first packet was settled when the megaflow was made, before it was counted. Bytes alone are the rest of a device's counters.
        if (packets < m.SettledPackets || (packets == m.SettledPackets && bytes == m.SettledBytes) || IsUnreadable(m)) return;
        ulong dp = packets - m.SettledPackets;
        ulong db = bytes - m.SettledBytes;
        m.HasReported = true;
        m.SettledPackets = packets;
        m.SettledBytes = bytes;
        foreach (OfRule rule in m.Rules) _credits.Add(rule.Stats, dp, db, lastUsedMs);
        foreach (OfRuleStats stats in m.Groups) _credits.Add(stats, dp, db, lastUsedMs);

        // As of now, not of the packets: so does Open vSwitch (xlate_push_stats_entry).
        foreach (LearnedAddress learned in m.Learned) learned.Bridge.Learn(learned.Source, _nowMs);
        if (m.Dead || dp == 0) return;
        if (learns)
        {
            foreach (LearnedRule learned in m.LearnedRules) _upcall.Learning.Learn(learned.Bridge, learned.Rule, learned.Limit, _nowMs);
        }

        if (m.FinTimeouts.Length == 0 || !Translator.EndsConnection(new Be16(m.Hot->TcpFlags).Host)) return;
        foreach (FinTimeout timeout in m.FinTimeouts) _upcall.Learning.ReduceTimeouts(timeout.Bridge, in timeout);
    }

    /// <summary>
    /// The packets before a change have learned the rules that the megaflow's packets learn behind it as well: these are still wanted. What is only learned now, packets after the change learn;
    /// what is not learned any more may be gone for that reason.
    /// </summary>
    private void LearnAgain(Megaflow m)
    {
        foreach (LearnedRule learned in _scratch.LearnedRules)
        {
            if (Array.Exists(m.LearnedRules, old => old.IsSame(in learned))) _upcall.Learning.Learn(learned.Bridge, learned.Rule, learned.Limit, _nowMs);
        }
    }

    /// <summary>It has packets to report.</summary>
    private bool HasPackets(Megaflow m) => _upcall.Megaflows.CountersOf(m).Packets > m.SettledPackets;

    /// <summary>
    /// The megaflow lives on with other rules: what merged rules have counted in its name and nobody has read yet is read now, and still
    /// counted for the old ones. Of one that goes it is read later, as it goes with its rules.
    /// </summary>
    private void PushRest(Megaflow m, long nowMs)
    {
        if (!_isCredited) ReadDevice?.Invoke(nowMs);
        _isCredited = true;
        Push(m);
    }

    private static bool HasSameStats(Megaflow before, XlateResult now)
    {
        if (before.Rules.Length != now.Rules.Count || before.Groups.Length != now.Groups.Count) return false;
        for (int i = 0; i < before.Rules.Length; i++)
        {
            if (!ReferenceEquals(before.Rules[i].Stats, now.Rules[i].Stats)) return false;
        }

        for (int i = 0; i < before.Groups.Length; i++)
        {
            if (!ReferenceEquals(before.Groups[i], now.Groups[i])) return false;
        }

        return true;
    }

    /// <summary>What living megaflows have counted and not pushed to their OpenFlow rules.</summary>
    public BookTotals Unpushed()
    {
        BookTotals sum = default;
        foreach (Megaflow m in _upcall.Megaflows.All())
        {
            (ulong packets, ulong bytes, _) = _upcall.Megaflows.CountersOf(m);
            if (packets >= m.SettledPackets && !IsUnreadable(m)) sum += new BookTotals(packets - m.SettledPackets, bytes - m.SettledBytes);
        }

        return sum;
    }

    /// <summary>It has packets to report and cannot: Open vSwitch deletes it (<c>populate_xcache</c> fails), and the next packet makes a new one.</summary>
    private bool IsLost(Megaflow m) => IsUnreadable(m) && _upcall.Megaflows.CountersOf(m).Packets > m.SettledPackets;

    private bool IsUnreadable(Megaflow m) => !_keepsStatistics && m.FullKey.DlType.Host is EthType.Mpls or EthType.MplsMcast && (m.FullKey.MplsLse0.Raw | m.FullKey.MplsLse1.Raw | m.FullKey.MplsLse2.Raw) == 0;
}
