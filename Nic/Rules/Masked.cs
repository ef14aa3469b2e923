using System.Numerics;

namespace Mergeflow.Nic;


/// <summary>
/// A value and the bits of it that count (the spec/mask pair of <c>struct rte_flow_item</c>), as numbers in host order. The default has mask 0:
/// nothing is matched or written. Bits of <paramref name="Value"/> outside <paramref name="Mask"/> are ignored.
/// </summary>
/// <param name="Value">Spec.</param>
/// <param name="Mask">1 = the bit counts.</param>
public readonly record struct Masked<T>(T Value, T Mask)
    where T : unmanaged, IBinaryInteger<T>
{
    /// <summary>True if no bit counts.</summary>
    public bool IsWildcard => T.IsZero(Mask);

    /// <summary>All bits of the type count.</summary>
    public static Masked<T> Exact(T value) => new(value, ~T.Zero);

    /// <summary>All bits of the type count.</summary>
    public static implicit operator Masked<T>(T value) => Exact(value);

    /// <summary><c>0x1/0xff</c>, or <c>*</c>.</summary>
    public override string ToString() => IsWildcard ? "*" : $"0x{Value:x}/0x{Mask:x}";
}
