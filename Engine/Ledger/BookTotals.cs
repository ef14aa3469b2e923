namespace Mergeflow.Engine.Ledger;

/// <summary>Packets and bytes of one book.</summary>
/// <param name="Packets">Packets; a packet that visits a megaflow twice counts twice there.</param>
/// <param name="Bytes">Bytes at the length that the packet had for that book; differences are two's complements.</param>
public readonly record struct BookTotals(ulong Packets, ulong Bytes)
{
    /// <summary>Sum.</summary>
    public static BookTotals operator +(BookTotals a, BookTotals b) => new(unchecked(a.Packets + b.Packets), unchecked(a.Bytes + b.Bytes));

    /// <summary>Difference.</summary>
    public static BookTotals operator -(BookTotals a, BookTotals b) => new(unchecked(a.Packets - b.Packets), unchecked(a.Bytes - b.Bytes));
}
