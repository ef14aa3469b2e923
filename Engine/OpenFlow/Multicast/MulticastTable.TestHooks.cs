using System.Runtime.CompilerServices;

namespace Mergeflow.Engine.OpenFlow;

/// <remarks>What only tests look at.</remarks>
internal sealed partial class MulticastTable
{
    [ThreadStatic]
    private static long t_compared;

    /// <summary>Groups that this thread has held against another, as it does when it searches for one.</summary>
    public static long Compared => t_compared;

    private sealed partial class Group
    {
        public override bool Equals(object? obj)
        {
            t_compared++;
            return ReferenceEquals(this, obj);
        }

        public override int GetHashCode() => RuntimeHelpers.GetHashCode(this);
    }
}
