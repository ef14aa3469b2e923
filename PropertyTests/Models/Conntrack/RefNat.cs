namespace Mergeflow.PropertyTests;

/// <summary>A <c>nat</c> clause. <paramref name="Source"/> null = plain <c>nat</c>; <paramref name="Port"/> 0 = keep the port.</summary>
internal sealed record RefNat(bool? Source, UInt128 Address, ushort Port);
