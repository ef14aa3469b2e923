namespace Mergeflow.Engine;

/// <summary>Token-bucket meters of one PMD (OpenFlow meters with one drop band); an unknown meter passes everything, as in OVS.</summary>
public sealed class MeterTable
{
    private readonly Dictionary<uint, Meter> _meters = [];

    /// <summary>Adds or replaces a meter. Rates in kilobit/s, or packets/s when <paramref name="packetRate"/>; burst in the same unit x 1 s.</summary>
    public void Set(uint meterId, ulong rate, ulong burst, bool packetRate)
        => _meters[meterId] = new Meter(rate, Math.Max(burst, rate), packetRate);

    /// <summary>True if the packet is over the meter's rate and must be dropped.</summary>
    public bool Exceeds(uint meterId, int lengthBytes, long nowMs)
        => _meters.TryGetValue(meterId, out Meter? m) && !m.Take(lengthBytes, nowMs);

    private sealed class Meter(ulong rate, ulong burst, bool packetRate)
    {
        // Token unit: 1/1000 packet, or 1 bit (kilobit/s = bit/ms).
        private ulong _tokens = burst * 1000;
        private long _lastMs = long.MinValue;

        public bool Take(int lengthBytes, long nowMs)
        {
            if (_lastMs != long.MinValue) _tokens = Math.Min(burst * 1000, _tokens + ((ulong)(nowMs - _lastMs) * rate));
            _lastMs = nowMs;
            ulong cost = packetRate ? 1000 : (ulong)lengthBytes * 8;
            if (_tokens < cost) return false;
            _tokens -= cost;
            return true;
        }
    }
}
