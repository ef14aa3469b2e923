using Mergeflow.Native;

namespace Mergeflow.Nic;

/// <summary>Outer headers that rules put on: each different one stands once in the memory that the program reads, as long as some rule has it.</summary>
internal sealed class KernelHeaders(BpfMap memory)
{
    private readonly Dictionary<string, Place> _places = [];
    private readonly Stack<ushort> _free = new(Enumerable.Range(1, KernelLayout.HeaderCount - 1).Reverse().Select(static i => (ushort)i));

    /// <summary>The place of some headers; 0 = there is no room for one more.</summary>
    public ushort Take(IReadOnlyList<byte> header)
    {
        string key = KeyOf(header);
        if (_places.TryGetValue(key, out Place? known))
        {
            known.UserCount++;
            return known.Number;
        }

        if (!_free.TryPop(out ushort number)) return 0;
        Span<byte> place = memory.Span.Slice(number << KernelLayout.HeaderShift, KernelLayout.HeaderBytes);
        place.Clear();
        for (int i = 0; i < header.Count; i++) place[i] = header[i];
        _places.Add(key, new Place(number) { UserCount = 1 });
        return number;
    }

    /// <summary>A rule that had them is gone: no run of the program reads them for it any more.</summary>
    public void GiveBack(IReadOnlyList<byte> header)
    {
        string key = KeyOf(header);
        Place place = _places[key];
        if (--place.UserCount > 0) return;
        _places.Remove(key);
        _free.Push(place.Number);
    }

    private static string KeyOf(IReadOnlyList<byte> header) => Convert.ToHexString([.. header]);

    private sealed class Place(ushort number)
    {
        public ushort Number { get; } = number;

        public int UserCount { get; set; }
    }
}
