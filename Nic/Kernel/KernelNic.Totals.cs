namespace Mergeflow.Nic;

/// <content>What went by rules, by port.</content>
public sealed partial class KernelNic
{
    /// <summary>What rules have forwarded from and to a port so far, those that are gone included; a super-frame counts as the frames that it is cut into. From any thread.</summary>
    public KernelPortTotals TotalsOf(uint port)
    {
        lock (_sync)
        {
            Totals totals = new(port, _gone);
            foreach (Rule? rule in _rules)
            {
                if (rule is { IsThere: true }) totals.Add(rule, Read(rule));
            }

            return totals.Sum;
        }
    }

    /// <summary>The same of all ports together.</summary>
    public KernelPortTotals Total()
    {
        lock (_sync)
        {
            Totals totals = new(_gone);
            foreach (Rule? rule in _rules)
            {
                if (rule is { IsThere: true }) totals.Add(rule, Read(rule));
            }

            return totals.OfAll;
        }
    }

    /// <summary>Sums by port: of all ports, or of one.</summary>
    private sealed class Totals
    {
        private readonly Dictionary<uint, KernelPortTotals> _sums = [];
        private readonly Dictionary<uint, KernelPortTotals> _tunnels = [];
        private readonly uint? _only;

        public Totals()
        {
        }

        public Totals(uint port, Totals before)
        {
            _only = port;
            _sums[port] = before._sums.GetValueOrDefault(port);
            _tunnels[port] = before._tunnels.GetValueOrDefault(port);
        }

        public Totals(Totals before) => (_sums, _tunnels) = (new Dictionary<uint, KernelPortTotals>(before._sums), new Dictionary<uint, KernelPortTotals>(before._tunnels));

        public KernelPortTotals Sum => Plus(_sums[_only!.Value], _tunnels[_only.Value]);

        public KernelPortTotals OfAll => _sums.Values.Aggregate(default(KernelPortTotals), Plus);

        /// <summary>What a rule has forwarded; tunnel ports, whose frames are those of other ports too, are not part of the sum of all.</summary>
        public void Add(Rule rule, NicCounters c)
        {
            if (c.Hits == 0) return;
            AddTo(rule.Compiled.IsInside ? _tunnels : _sums, rule.InPort, new KernelPortTotals(c.Hits, c.Bytes, 0, 0));
            ulong grownBytes = c.Bytes;
            for (KernelActions? a = rule.Actions; a is not null; a = a.Next)
            {
                grownBytes += c.Hits * (ulong)a.TagChangeBytes;
                if (a.OutPort == KernelLayout.NoPort) continue;
                AddTo(_sums, a.OutPort, new KernelPortTotals(0, 0, c.Hits, grownBytes + (c.Hits * (ulong)a.FrontBytes)));
                if (a.Encap is { } encap) AddTo(_tunnels, encap.Port, new KernelPortTotals(0, 0, c.Hits, grownBytes));
            }
        }

        private void AddTo(Dictionary<uint, KernelPortTotals> sums, uint port, KernelPortTotals t)
        {
            if (_only is { } only && only != port) return;
            KernelPortTotals s = sums.GetValueOrDefault(port);
            sums[port] = Plus(s, t);
        }

        private static KernelPortTotals Plus(KernelPortTotals s, KernelPortTotals t) => new(s.RxPackets + t.RxPackets, s.RxBytes + t.RxBytes, s.TxPackets + t.TxPackets, s.TxBytes + t.TxBytes);
    }
}
