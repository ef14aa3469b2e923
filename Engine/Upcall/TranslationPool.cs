using Mergeflow.Engine.Xlate;
using Microsoft.Extensions.ObjectPool;

namespace Mergeflow.Engine.Upcall;

/// <summary>
/// Translations for the upcalls of one packet thread: one that the next upcall writes, and one for each pass that runs from its translation because no
/// megaflow has taken it over. Nothing of one upcall is seen by the next user.
/// </summary>
internal sealed class TranslationPool : IDisposable
{
    /// <summary>Most records of a program that is kept: longer ones come from few packets and would stay for good.</summary>
    public const int MostRecords = 4096;

    private readonly ObjectPool<XlateResult> _pool;

    /// <summary>A pool that keeps at most <paramref name="retained"/> translations; more are made and freed again.</summary>
    public TranslationPool(int retained) => _pool = new DefaultObjectPoolProvider { MaximumRetained = retained }.Create(new Policy());

    /// <summary>An empty translation.</summary>
    public XlateResult Rent() => _pool.Get();

    /// <summary>Empties a translation, which lets go of its recirculation ids, for its next user.</summary>
    public void Return(XlateResult translation) => _pool.Return(translation);

    /// <summary>Frees those that are there; what is returned later is freed then.</summary>
    public void Dispose() => (_pool as IDisposable)?.Dispose();

    private sealed class Policy : PooledObjectPolicy<XlateResult>
    {
        public override XlateResult Create() => new();

        public override bool Return(XlateResult obj)
        {
            obj.Forget();
            return obj.Capacity <= MostRecords;
        }
    }
}
